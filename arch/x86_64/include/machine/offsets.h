/* Offsets shared by assembly and C++: plain numbers, static_asserted against the structures they describe
 * (machine/frame.hpp, kernel/core/per_cpu.hpp, kernel/core/thread.hpp). */
#pragma once

/* struct PerCpu, reached through GS in the nucleus */
#define CPU_SELF 0
#define CPU_CURRENT 8
#define CPU_STACK_TOP 16
#define CPU_USER_SP 24 /* scratch of the system-call entry */
#define CPU_SPACE_ROOT 32
#define CPU_SLOT 40    /* index * 64: offset of this CPU in a table of cache lines */
#define CPU_PENDING 48 /* u32: work that must be done before the return to user mode */
#define CPU_INDEX 52   /* u32 */
#define CPU_TOP_READY 56 /* u32: best ready priority, 256 when none */
#define CPU_FPU_LIVE 60  /* u32: the current thread's FPU registers are loaded */

/* struct Thread */
#define THREAD_STATE 0
#define THREAD_FRAME 64

/* machine::Frame */
#define FRAME_PC 0
#define FRAME_SP 8
#define FRAME_FLAGS 16
#define FRAME_RBX 24
#define FRAME_RBP 32
#define FRAME_FS_BASE 40
#define FRAME_RAX 48
#define FRAME_EXIT 56 /* u32: EXIT_* */
#define FRAME_RCX 64
#define FRAME_RDX 72
#define FRAME_RSI 80
#define FRAME_RDI 88
#define FRAME_R8 96
#define FRAME_R9 104
#define FRAME_R10 112
#define FRAME_R11 120
#define FRAME_R12 128
#define FRAME_R13 136
#define FRAME_R14 144
#define FRAME_R15 152
#define FRAME_VECTOR 160
#define FRAME_ERROR 168
#define FRAME_SIZE 192

/* how the frame's owner goes back to user mode */
#define EXIT_CALL 0      /* SYSRET: rcx and r11 are lost, as at every system call */
#define EXIT_INTERRUPT 1 /* IRET: every register comes back */
