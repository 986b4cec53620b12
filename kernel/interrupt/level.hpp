// Interrupt level: functions of supervisor actors that run where no thread is, because a device wants
// something (kernel/interrupt/lines.hpp) or a time has come (kernel/time/timeout.hpp).
//
// They are called from leave(): the trap only notes what has come. So they run with interrupts off, on the
// CPU's stack, and like a Request between two nucleus entries: no lock is held, no thread is in the middle
// of anything. While one runs the CPU's current thread is one of its own that is never scheduled: what calls
// need of their caller, its actor, its mode, its space, they find there.
//
// A nucleus call from there is a plain call of its handler, on the same stack: the gates know by the stack
// where they are (arch/*/supervisor/gates.S). Only calls whose entry in the list says `interrupt` are to be
// had; the others are K_EINVAL. Those never wait and never switch threads.
#pragma once

#include "kernel/core/thread.hpp"

namespace chorale {

struct PerCpu;

// Before the CPU runs threads; false: no memory.
[[nodiscard]] bool init_interrupt_level(PerCpu& cpu);

[[nodiscard]] inline bool at_interrupt_level(const Thread& self) {
    return self.supervisor.base == SupervisorState::Base::interrupt;
}

// Calls a function of the owner's with two arguments. In leave(), or in a timer's `expire`.
void call_at_interrupt_level(Actor& owner, u64 function, u64 first, u64 second);

} // namespace chorale
