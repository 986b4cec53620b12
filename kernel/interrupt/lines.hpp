// Device interrupts for supervisor actors, and for the nucleus itself: who is called when a line fires.
//
// A line belongs to the CPU of the first who ever attached to it, and stays there: its interrupts arrive
// there, and its handlers run there, one after the other, at interrupt level. From the arrival until all of
// them have run the line is *claimed*: a level line is masked meanwhile, and opened again unless one of its
// handlers has masked it.
//
//   Core X (the line's)                        Core Y (detaches a handler)
//     A  arrival: noted, the line is claimed      C  takes it out of the line's list
//     B  leave(): walks the list, calls           D  tours the CPUs, then frees it
// The list is walked without a lock. D visits X between two entries: after B, or before it, and then B does
// not find the handler any more. So when svIntrDetach returns the handler neither runs nor is called again.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct Actor;
struct InterruptHandler;
struct PerCpu;
struct Thread;

// A thread's part, a member of Thread.
struct Detachment {
    InterruptHandler* taken{}; // out of their lists, not freed yet
    Actor* actor{};            // whose handlers all go; null: only this one
    void (*next)(Thread&){};
};

// Interrupt level: `line` fired on this CPU. False: nobody is attached to it.
bool note_arrival(PerCpu& cpu, unsigned line);
// In leave(): calls who is attached to what has arrived.
void attend_devices(PerCpu& cpu);

// The handler's name, never used twice. Errors: invalid (no such line), no_memory, unknown (the actor is
// being deleted).
[[nodiscard]] Result<u64> attach_handler(Actor& owner, unsigned line, u64 function, u64 cookie);
// For the nucleus, for ever: `function` is called in leave() of this CPU. Errors: invalid, no_memory.
[[nodiscard]] Status attach_own_handler(unsigned line, void (*function)());
[[nodiscard]] Status mask_handler(u64 name, bool masked); // error: invalid

// svIntrDetach; its result comes later. Error: invalid.
[[nodiscard]] long detach_handler(Thread& self, u64 name);
// All handlers of an actor; then `next`.
void detach_handlers_of(Thread& self, Actor& actor, void (*next)(Thread&));

} // namespace chorale
