// Synchronous call: same CPU, at most eight words, a server that waits.
//
// Invariant: until commit() nothing is written; after it nothing can fail.
// Context:   interrupts off, on the CPU's stack, at the end of the entry stub; never returns.
//
// The server runs with the better of its own and the client's priority. The client was the best thread of
// this CPU, so whoever inherits its priority is too: no look at the run queue.
#include "fastpath/plan.hpp"
#include "fastpath/registers.hpp"
#include "kernel/ipc/port.hpp"

namespace chorale {

extern "C" CHORALE_REGISTER_CALL void fast_call(CHORALE_MESSAGE_PARAMETERS) {
    Port& port = port_candidate(name);
    PortSlot& slot = port.slot_at(machine::this_cpu::slot());
    Plan plan{thread, slot.waiters};

    if (port.ui.uiHead != name || port.ui.uiTail != tail || !fits_registers(control) ||
        !plan.sender_plain() || !plan.peer_is(state_receiving)) [[unlikely]] {
        [[clang::musttail]] return fast_slow(CHORALE_PASS(thread, name, tail, control));
    }

    const Plan::Exchange exchange = std::move(plan).commit(); // ---- point of no return ----
    auto& [from, to] = exchange;
    slot.waiters = to.next_waiter;
    const u64 sequence = slot.received + 1;
    slot.received.store(sequence);
    from.server = &to;
    to.client = &from;
    from.state = state_awaiting_reply;
    to.state = state_running;
    from.frame.note_control(control);
    from.exchanges.count();
    to.priority = from.priority < to.base_priority ? from.priority : to.base_priority;
    switch_to(exchange);
    // relaxed: a port that is being deleted has no number any more, and the server learns that
    const u64 li = port.li.load(std::memory_order_relaxed);
    if (same_thread_pointer(exchange)) [[likely]] {
        [[clang::musttail]] return fast_exit(CHORALE_PASS(&to, li, sequence, control));
    }
    [[clang::musttail]] return fast_exit_thread_pointer(CHORALE_PASS(&to, li, sequence, control));
}

} // namespace chorale
