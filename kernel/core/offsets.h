/* Offsets of what entry code reaches in portable structures, shared by assembly and C++: plain numbers,
 * static_asserted against the structures (kernel/core/per_cpu.hpp, kernel/core/thread.hpp). */
#pragma once

/* struct PerCpu */
#define CPU_SELF 0
#define CPU_CURRENT 8
#define CPU_STACK_TOP 16
#define CPU_SCRATCH 24 /* of the entry code, while no register is free */
#define CPU_SPACE_ROOT 32
#define CPU_SLOT 40    /* index * 64: offset of this CPU in a table of cache lines */
#define CPU_PENDING 48 /* u32: work that must be done before the return to user mode */
#define CPU_INDEX 52   /* u32 */
#define CPU_TOP_READY 56 /* u32: best ready priority, 256 when none */
#define CPU_FPU_LIVE 60  /* u32: the current thread's FPU registers are loaded */

/* struct Thread */
#define THREAD_STATE 0
#define THREAD_FRAME 64
