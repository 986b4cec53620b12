// Turns: how round robin and real-time threads share a CPU with their equals (Scheduling::quantum).
//
// A quantum is used by a thread and by the servers that it calls on its CPU: while one of them runs, the turn
// is the caller's. So the fast path, which only ever goes up and down such a chain, never changes whose turn
// it is; slow switches look. The timer is set only while a thread that could use the CPU waits behind the
// turn.
//
// After a preemption a thread has the rest of its quantum, after a wait a new one. One that gives the CPU up
// by itself (threadDelay without a time) gives up the rest.
#pragma once

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"

namespace chorale {

// `thread` has been elected; `last`: the thread before it, if the CPU has not been idle meanwhile. One that
// left the CPU otherwise than ready waits.
[[gnu::noinline]] void change_turn(PerCpu& cpu, Thread& thread, Thread* last);

// Sets the timer for the end of the turn, or takes it back when nobody waits: pending_turn.
[[gnu::noinline]] void watch_turn(PerCpu& cpu);

// The current thread gives up the rest.
[[gnu::noinline]] void give_up_turn(PerCpu& cpu, Thread& self);

// A thread of this CPU gets other attributes; one that comes to it or leaves it.
void set_quantum(Thread& thread, u64 quantum);
void join_turns(PerCpu& cpu, Thread& thread);
void leave_turns(PerCpu& cpu, Thread& thread);

} // namespace chorale
