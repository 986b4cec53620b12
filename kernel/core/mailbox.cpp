#include "kernel/core/mailbox.hpp"

#include "kernel/core/per_cpu.hpp"

#include <machine/cpu.hpp>
#include <machine/ipi.hpp>

#include <bit>

namespace chorale {

namespace {
constexpr unsigned run_per_window = 2; // bounds the time with interrupts off
}

bool Mailbox::push(Mailbox& inbox, Pair& lane, Request& request) {
    auto& slot = inbox.with(static_cast<CpuIndex>(self_)).incoming[lane.next_outgoing % slots];
    // acquire: pairs with the consumer's release of the empty slot, so that its use of the old request is
    // over
    if (slot.load(std::memory_order_acquire) != nullptr) return false;
    // release: the receiver's acquire in take() makes the request's contents visible
    slot.store(&request, std::memory_order_release);
    ++lane.next_outgoing;
    return true;
}

// Core X (sender)                            Core Y (about to halt)
//   A  rang |= me        (seq_cst)             C  polling = false   (seq_cst)
//   B  if !polling: IPI  (seq_cst)             D  if rang == 0: halt (seq_cst)
// B not sending needs B before C, hence A before D: Y sees the bell and does not halt.
void Mailbox::ring(CpuIndex to, Mailbox& inbox) {
    const u64 before = inbox.rang_.fetch_or(bit_, std::memory_order_seq_cst);
    // Somebody rang before and the receiver has not looked since: its doorbell is on its way.
    if (before != 0 || inbox.polling_.load(std::memory_order_seq_cst)) return;
    if (to == self_) {
        this_cpu().pending |= pending_mail; // looked at before this CPU leaves the nucleus
    } else {
        machine::ring(to);
    }
}

void Mailbox::wake_up(CpuIndex to) { ring(to, cpu_at(to).inbox); }

// The ring was full, or looked so: the slots that the receiver has emptied may not be seen here yet, and then
// the receiver may never find it full. So it is told, and rings back when it has been at the ring.
//
// Core X (sender)                            Core Y (receiver, drain())
//   A  starving |= me (relaxed)                C  takes the bells (acquire), empties slots
//   B  rings          (seq_cst)                D  reads and clears starving, E  rings X (seq_cst)
// The first C after B is followed by a D that sees A; what was emptied before E is seen by X after E's bell.
void Mailbox::starve(CpuIndex to) {
    // relaxed: ring() publishes it
    cpu_at(to).inbox.starving_.fetch_or(bit_, std::memory_order_relaxed);
    wake_up(to);
}

void Mailbox::post(CpuIndex to, Request& request) {
    Pair& lane = with(to);
    Mailbox& inbox = cpu_at(to).inbox;
    if (lane.head == nullptr && push(inbox, lane, request)) [[likely]] {
        ring(to, inbox);
        return;
    }
    keep(to, lane, request);
}

// Behind those that did not fit before.
void Mailbox::keep(CpuIndex to, Pair& lane, Request& request) {
    request.next = nullptr;
    const bool first = lane.head == nullptr;
    (first ? lane.head : lane.tail->next) = &request;
    lane.tail = &request;
    overflowing_ |= u64{1} << to;
    if (first) starve(to);
}

void Mailbox::flush() {
    for (u64 lanes = overflowing_; lanes != 0; lanes &= lanes - 1) {
        const auto to = static_cast<CpuIndex>(std::countr_zero(lanes));
        Pair& lane = with(to);
        Mailbox& inbox = cpu_at(to).inbox;
        bool moved = false;
        while (lane.head != nullptr) {
            Request* const after = lane.head->next; // read first: once pushed, the request is the receiver's
            if (!push(inbox, lane, *lane.head)) break;
            lane.head = after;
            moved = true;
        }
        if (lane.head != nullptr) {
            starve(to);
        } else {
            overflowing_ &= ~(u64{1} << to);
            if (moved) ring(to, inbox);
        }
    }
}

void Mailbox::take() {
    if (!rung()) return;
    // acquire: what a sender did before its bell is seen, its full slots and its bit in starving_
    u64 senders = rang_.exchange(0, std::memory_order_acquire);
    do {
        Pair& pair = with(static_cast<CpuIndex>(__builtin_ctzll(senders))); // not zero: nothing to check
        for (unsigned left = slots; left != 0;) {
            auto& slot = pair.incoming[pair.next_incoming % slots];
            // acquire: pairs with the sender's release in push()
            Request* const request = slot.load(std::memory_order_acquire);
            if (request == nullptr) break;
            // release: the sender may reuse the slot; pairs with its acquire in push()
            slot.store(nullptr, std::memory_order_release);
            ++pair.next_incoming;
            this_cpu().counters.requests.count();
            request->run(*request);
            if (--left % run_per_window == 0) machine::interrupt_window(); // no pointer is held here
        }
        senders &= senders - 1;
        if (senders != 0) machine::interrupt_window();
    } while (senders != 0);
}

void Mailbox::ring_starving() {
    // relaxed: as in congested(); ring() tells of the slots that were emptied
    if (starving_.load(std::memory_order_relaxed) == 0) return;
    // relaxed: see above
    for (u64 all = starving_.exchange(0, std::memory_order_relaxed); all != 0; all &= all - 1) {
        wake_up(static_cast<CpuIndex>(std::countr_zero(all)));
    }
}

bool Mailbox::stop_polling() {
    polling_.store(false, std::memory_order_seq_cst);
    return rang_.load(std::memory_order_seq_cst) == 0;
}

} // namespace chorale
