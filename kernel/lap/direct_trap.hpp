// The quick way of a system call that is not the nucleus's to the LAP that handles it
// (arch/*/supervisor/direct_trap.S): from user mode to the handler and back within one entry of the nucleus,
// on the thread's system stack, with interrupts on while the handler runs.
//
// A thread takes it that is in its own program, with nothing else to be known of it (Thread::state), and
// whose last handler that was entered from user mode was one of a system call's, by the slow way
// (handlers.hpp, handler.hpp): the record on its system stack then has all that is the same for each call.
// What the quick way sets is what the slow one would: record, supervisor state, LapFrame; so whatever happens
// while the handler runs happens as always, and the end may always be the slow one's, handler_returned(). It
// is, unless the handler says that it changed the result only, and nothing is due.
//
// Links the frame (A) and compares the key (B) as every invocation does (lap.hpp), and with interrupts off.
#pragma once

#include "kernel/lap/lap.hpp"

namespace chorale {

// Of the system call's slot: written under its lock, read without. Two halves fit no LAP.
struct DirectTrap {
    Relaxed<Lap*> lap; // never null
    Relaxed<u64> key;
};
static_assert(offsetof(DirectTrap, lap) == DIRECT_LAP && offsetof(DirectTrap, key) == DIRECT_KEY);

extern "C" DirectTrap chorale_direct_trap;

// Whenever the slot changes, by who may write it.
void connect_direct_trap(const KnLapDesc& descriptor);

} // namespace chorale
