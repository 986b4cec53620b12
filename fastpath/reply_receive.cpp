// Reply to the client and wait for the next message, in one step: same CPU, at most eight words, an empty
// queue.
//
// Invariant: until commit() nothing is written; after it nothing can fail.
// Context:   interrupts off, on the CPU's stack, at the end of the entry stub; never returns.
//
// The server may have run with a better priority than its client's, so here the run queue has its say: when a
// better thread than the client is ready, the slow path queues the client.
//
// Only `waiters` of this CPU's slot is written. A sender elsewhere that queued a message meanwhile is not
// missed: the port's home CPU sends its token here after the queue became non-empty, and the token is looked
// at after this code has run (kernel/ipc/delivery.hpp), so a stale zero in `queued` does no harm. Nor do a
// stale number and actor: either this CPU's visit by the deleter is still to come, which evicts, or it has
// been, and from then on the actor is seen to be none until the memory is a port again
// (begin_port_deletion()).
#include "fastpath/plan.hpp"
#include "fastpath/registers.hpp"
#include "kernel/ipc/port.hpp"

namespace chorale {

extern "C" CHORALE_REGISTER_CALL void fast_reply_receive(CHORALE_MESSAGE_PARAMETERS) {
    Plan plan{thread, thread->client};
    Port& port = *thread->port;

    // The port that this thread received on last is taken without a lookup when it still has that id in that
    // actor; one that is deleted has no actor.
    if (!plan.peer_is(state_awaiting_reply) || !plan.sender_plain() || !fits_registers(control) ||
        // relaxed, all three: see above
        static_cast<u32>(port.li.load(std::memory_order_relaxed)) != static_cast<u32>(name) ||
        port.actor.load(std::memory_order_relaxed) != thread->actor ||
        port.queued.load(std::memory_order_relaxed) != 0 ||
        machine::this_cpu::top_ready() < plan.to().priority) [[unlikely]] {
        [[clang::musttail]] return fast_slow(CHORALE_PASS(thread, name, tail, control));
    }

    const Plan::Exchange exchange = std::move(plan).commit(); // ---- point of no return ----
    auto& [from, to] = exchange;
    from.client = nullptr;
    to.server = nullptr;
    from.state = state_receiving;
    to.state = state_running;
    from.frame.note_control(control);
    from.priority = from.base_priority;
    PortSlot& slot = port.slot_at(machine::this_cpu::slot());
    from.next_waiter = slot.waiters;
    slot.waiters = &from;
    switch_to(exchange);
    if (same_thread_pointer(exchange)) [[likely]] {
        [[clang::musttail]] return fast_exit(
            CHORALE_PASS(&to, CHORALE_UNUSED(name), CHORALE_UNUSED(tail), control));
    }
    [[clang::musttail]] return fast_exit_thread_pointer(
        CHORALE_PASS(&to, CHORALE_UNUSED(name), CHORALE_UNUSED(tail), control));
}

} // namespace chorale
