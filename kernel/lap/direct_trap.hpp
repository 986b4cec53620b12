// The quick way of a system call that is not the nucleus's to the LAP that handles it
// (arch/*/supervisor/direct_trap.S): from user mode to the handler and back within one entry of the nucleus,
// on the thread's system stack, with interrupts on while the handler runs.
//
// A thread takes it that is in its own program, with nothing else to be known of it (Thread::state), and
// whose last handler that was entered from user mode was one of a system call's, by the slow way
// (offer_trap()). That leaves on its system stack what is the same for each call: the record, with the
// handler's descriptor in it, and below that a DirectCall. The quick way saves the registers there, marks the
// thread as the slow way would, and links the frame; so whatever happens while the handler runs happens as
// always, and the end may always be the slow one's, handler_returned(). It is, unless the handler says that
// it changed the result only, and nothing is due.
//
// The LAP may die meanwhile, or another be connected. In lap.hpp's terms, with interrupts off from A to B:
//
//   Core X (makes the call)                           Core Y (deletes the LAP, or disconnects it)
//     A  the frame is linked to the thread              C  chorale_direct_trap changes to the key of no LAP,
//     B  chorale_direct_trap is compared with the          under the lock under which it is connected
//        key of the DirectCall: else A is undone        D  every CPU has entered the nucleus (tour())
//                                                       E  and F, as there
// Keys are never used twice, so B also says that the DirectCall is this connection's. Who disconnects a LAP
// stops at C: a handler that is running goes on.
#pragma once

#include "kernel/lap/invocation.hpp"
#include "kernel/lap/lap.hpp"

namespace chorale {

// Below the record. A LAP that fails leaves its frame overwritten: then the record is given up.
struct DirectCall {
    LapFrame frame;
    u64 key, handler, cookie; // of the LAP, when this was made
    u64 unused;               // stacks are 16-aligned
};
static_assert(offsetof(DirectCall, frame) == 0 && offsetof(DirectCall, key) == DIRECT_KEY &&
              offsetof(DirectCall, handler) == DIRECT_HANDLER &&
              offsetof(DirectCall, cookie) == DIRECT_COOKIE && sizeof(DirectCall) == DIRECT_SIZE);

// The key of the LAP that is connected to the site's system calls and lives; 0: of none.
extern "C" std::atomic<u64> chorale_direct_trap;

// The thread's next calls may take the quick way to the LAP: on its CPU, its handler has just been entered
// from user mode, with room for a DirectCall.
void prepare_direct_trap(Thread& self, const KnLapDesc& descriptor);
// They may not, until the next of them has gone the slow way.
void leave_direct_trap(Thread& self);

// KnSysTrapDesc::handlerData, wherever it is.
[[nodiscard]] uword handler_data(const Thread& self);

} // namespace chorale
