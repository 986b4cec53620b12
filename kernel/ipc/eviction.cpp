// Who waits at a port that goes, and what is queued there.
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/message_handler.hpp"

namespace chorale {

namespace {
constexpr unsigned evicted_per_visit = 4; // a bound of the time with interrupts off
}

bool dismiss(Port& port, u64& received, u64& messages) {
    const CpuIndex here = this_cpu().index;
    PortSlot& slot = port.slot(here);
    unsigned left = evicted_per_visit;
    for (; left != 0; --left) {
        Thread* const server = slot.waiters;
        if (server == nullptr) break;
        slot.waiters = server->next_waiter;
        server->clear(flag_keeps);
        wake(*server, K_ENOPORT);
    }
    received += slot.received;
    slot.received.store(0);
    if (slot.waiters != nullptr) return false;
    // relaxed, both: constant while the port lives; only this CPU writes the length
    if (port.home.load(std::memory_order_relaxed) != here) return true;
    if (messages == all_messages)
        messages = port.queued.load(std::memory_order_relaxed) & ~handler_marks; // relaxed: see above
    for (; left != 0 && messages != 0; --left, --messages) refuse(*take_queued(port), K_ENOPORT);
    return messages == 0;
}

bool evict(Port& port) {
    u64 received = 0, messages = all_messages;
    if (!dismiss(port, received, messages)) return false;
    // relaxed: as above
    return port.home.load(std::memory_order_relaxed) != this_cpu().index || !port.touring;
}

} // namespace chorale
