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

/* struct SupervisorState, and what follows it in Thread; THREAD_SUPERVISOR is in the machine's offsets.h */
#define SUPERVISOR_INNERMOST 16
#define SUPERVISOR_SIZE 40
#define THREAD_DIRECT (THREAD_SUPERVISOR + SUPERVISOR_SIZE)
#define THREAD_LAPS (THREAD_DIRECT + 16)
#define THREAD_WAY_HOME (THREAD_LAPS + 8)

/* A system call's quick way to its handler looks at the bits of Thread::state from STATE_SHIFT on. Below are
 * what the current thread is doing, which is nothing else, the quick way's own flag_supervisor, and flag_fpu,
 * flag_sent, flag_serving, which change nothing for a thread that keeps its CPU. */
#define STATE_SUPERVISOR 0x100
#define STATE_SHIFT 12

/* struct HandlerRecord (kernel/supervisor/handler_record.hpp), from its start; KnSysTrapDesc, from its own */
#define RECORD_TRAP FRAME_SIZE
#define TRAP_RESULT_ONLY 12 /* u32 */
#define TRAP_DATA 16
#define TRAP_QUICK_CALLS 24
#define QUICK_CALL_SHIFT 9 /* of K_TRAP_QUICK_LIMIT */

/* struct DirectCall (kernel/lap/direct_trap.hpp), below the record */
#define DIRECT_KEY 32
#define DIRECT_HANDLER 40
#define DIRECT_COOKIE 48
#define DIRECT_QUICK_KEY 56
#define DIRECT_SIZE 64

/* struct LapFrame, its size, and where a call's ends: from its own start */
#define LAP_FRAME_OUTER 0
#define LAP_FRAME_OWNER 8
#define LAP_FRAME_LAP 16
#define LAP_FRAME_RETURN 24
#define LAP_FRAME_SIZE 32

/* struct Lap (kernel/lap/lap.hpp), ends of an invocation, kinds beside Actor* in Lap and LapFrame */
#define LAP_KEY 0
#define LAP_HANDLER 8
#define LAP_COOKIE 16
#define LAP_OWNER 24
#define LAP_DEAD 32 /* u32 */
#define LAP_LIMIT 1024
#define LAP_INVALID -1
#define LAP_DELETED -5
#define LAP_FAILED -18
#define LAP_SAFE 1
#define LAP_SETJMP 2
#define LAP_RAW 4     /* of a LAP: K_LAP_SAMEHOST */
#define LAP_GUARDED 4 /* of a frame: a fault ends the invocation though the LAP is neither */
#define LAP_ABANDONED 8 /* of a frame: its owner has gone, LapFrame::abandon() */
#define LAP_KINDS 15
