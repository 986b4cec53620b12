// The quick way of a system call that is not the nucleus's to the LAP that handles it
// (arch/*/supervisor/direct_trap.S): from user mode to the handler and back within one entry of the nucleus,
// on the thread's system stack, with interrupts on while the handler runs.
//
// A thread takes it that is in its own program, with nothing else to be known of it (Thread::state), and
// whose last handler that was entered from user mode was one of a system call's, by the slow way
// (offer_trap()). That leaves on its system stack what is the same for each call: the record, with the
// handler's descriptor in it, and below that a DirectCall. The quick way saves the registers there, links the
// frame, and marks the thread as the slow way would; so whatever happens while the handler runs happens as
// always, and the end may always be the slow one's, handler_returned(). It is, unless the handler says that
// it changed the result only, and nothing is due.
//
// A call for which the handler has named a quick function (KnQuickCall) does not come that far: the function
// runs where the handler would be entered, with interrupts still off, on the CPU's stack. Nobody can see the
// thread meanwhile, so the registers that C functions keep are not saved, and it is not marked.
//
// The LAP may die meanwhile, or another be connected. In lap.hpp's terms, with interrupts off from A to B:
//
//   Core X (makes the call)                           Core Y (deletes the LAP, or disconnects it)
//     A  the frame is linked to the thread              C  chorale_direct_trap changes to the key of no LAP,
//     B  chorale_direct_trap is compared with the          under the lock under which it is connected
//        key of the DirectCall: else A is undone,       D  every CPU has entered the nucleus (tour())
//        and the call goes the slow way                 E  and F, as there
// Keys are never used twice, so B also says that the DirectCall is this connection's. Who disconnects a LAP
// stops at C: a handler that is running goes on. A quick function is over, and A undone, before X lets in
// what D waits for: after D none of the LAP's runs.
#pragma once

#include "kernel/lap/invocation.hpp"
#include "kernel/lap/lap.hpp"

namespace chorale {

// Below the record. A LAP that fails leaves its frame overwritten: then the record is given up.
struct DirectCall {
    static constexpr u64 no_key = ~u64{0};

    LapFrame frame;
    u64 key, handler, cookie; // of the LAP, when this was made
    u64 quick_key;            // the key is here, and no_key there, once there are quick functions
};
static_assert(offsetof(DirectCall, quick_key) == DIRECT_QUICK_KEY);
static_assert(offsetof(DirectCall, frame) == 0 && offsetof(DirectCall, key) == DIRECT_KEY &&
              offsetof(DirectCall, handler) == DIRECT_HANDLER &&
              offsetof(DirectCall, cookie) == DIRECT_COOKIE && sizeof(DirectCall) == DIRECT_SIZE);

// The key of the LAP that is connected to the site's system calls and lives; 0: of none.
extern "C" std::atomic<u64> chorale_direct_trap;

// The thread's next calls may take the quick way to the LAP: on its CPU, its handler has just been entered
// from user mode, with room for a DirectCall.
void prepare_direct_trap(Thread& self, const KnLapDesc& descriptor);
// The handler that the LAP is has set quickCalls in the descriptor, a word of the thread's record. What it
// does to the word later the entry code finds there.
void add_quick_calls(const Thread& self, VirtAddr descriptor, u64 key);
// They may not, until the next of them has gone the slow way.
void leave_direct_trap(Thread& self);

// KnSysTrapDesc::handlerData, wherever it is.
[[nodiscard]] uword handler_data(const Thread& self);

} // namespace chorale
