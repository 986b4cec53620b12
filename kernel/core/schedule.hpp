// Which thread a CPU runs, and how a thread gives the CPU up. Everything here acts on the CPU that calls it:
// a Thread argument must belong to this CPU.
//
// The nucleus never blocks on a stack. A call that has to wait notes what the thread is doing, returns
// `no_result` and unwinds to leave(), which picks another thread. Whoever ends the wait sets the result or a
// continuation and makes the thread ready.
#pragma once

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"

#include <machine/call.hpp>

#include <limits>

namespace chorale {

// What a call returns when its result will come later, or is in the frame already.
inline constexpr long no_result = std::numeric_limits<long>::min();

// Ready, at the tail of its priority.
void make_ready(Thread& thread);

// The current thread goes to the tail of its priority; the first of its equals has the CPU, if there is one.
[[noreturn]] CHORALE_NO_RETURN_CALL void yield(Thread& self);

// Ends a wait: the call returns `result`.
void wake(Thread& thread, long result);

// Ends a wait: `next` runs in the thread's own space before it goes back to user mode.
void wake_with(Thread& thread, void (*next)(Thread&));

// The effective priority; a ready thread moves to the tail of its new queue.
void set_priority(Thread& thread, u16 priority);

// Wakes the thread up at `deadline` by calling on_timeout() (kernel/core/wait.cpp), unless it is disarmed
// before.
void arm_timer(Thread& thread, u64 deadline);
void cancel_timer(Thread& thread);
inline void disarm_timer(Thread& thread) {
    if (thread.has(flag_timed)) [[unlikely]]
        cancel_timer(thread);
}

// The current thread saves its floating-point registers, if they are loaded.
void save_fpu(PerCpu& cpu);
inline void release_fpu(PerCpu& cpu) {
    if (cpu.fpu_live != 0) [[unlikely]]
        save_fpu(cpu);
}

void set_idle_polling(u64 nanoseconds); // how long an idle CPU polls before it halts; ~0: for ever

} // namespace chorale
