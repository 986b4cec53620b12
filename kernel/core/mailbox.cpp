#include "kernel/core/mailbox.hpp"

#include "kernel/core/per_cpu.hpp"

#include <machine/ipi.hpp>

#include <bit>

namespace chorale {

bool Mailbox::push(CpuIndex to, Outgoing& lane, Request& request) {
    auto& slot = cpu_at(to).inbox.incoming_[self_].slot[lane.next_slot % slots];
    // acquire: pairs with the consumer's release of the empty slot, so that its use of the old request is
    // over
    if (slot.load(std::memory_order_acquire) != nullptr) return false;
    // release: the receiver's acquire in drain() makes the request's contents visible
    slot.store(&request, std::memory_order_release);
    ++lane.next_slot;
    return true;
}

// Core X (sender)                            Core Y (about to halt)
//   A  rang |= me        (seq_cst)             C  polling = false   (seq_cst)
//   B  if !polling: IPI  (seq_cst)             D  if rang == 0: halt (seq_cst)
// B not sending needs B before C, hence A before D: Y sees the bell and does not halt.
void Mailbox::ring(CpuIndex to) {
    Mailbox& inbox = cpu_at(to).inbox;
    const u64 before = inbox.rang_.fetch_or(u64{1} << self_, std::memory_order_seq_cst);
    // Somebody rang before and the receiver has not looked since: its doorbell is on its way.
    if (before == 0 && !inbox.polling_.load(std::memory_order_seq_cst)) machine::ring(to);
}

void Mailbox::post(CpuIndex to, Request& request) {
    Outgoing& lane = outgoing_[to];
    if (lane.head == nullptr && push(to, lane, request)) [[likely]] {
        ring(to);
        return;
    }
    request.next = nullptr;
    (lane.head == nullptr ? lane.head : lane.tail->next) = &request;
    lane.tail = &request;
    overflowing_ |= u64{1} << to;
}

void Mailbox::flush() {
    for (u64 lanes = overflowing_; lanes != 0; lanes &= lanes - 1) {
        const auto to = static_cast<CpuIndex>(std::countr_zero(lanes));
        Outgoing& lane = outgoing_[to];
        bool moved = false;
        while (lane.head != nullptr) {
            Request* const after = lane.head->next; // read first: once pushed, the request is the receiver's
            if (!push(to, lane, *lane.head)) break;
            lane.head = after;
            moved = true;
        }
        if (lane.head == nullptr) overflowing_ &= ~(u64{1} << to);
        if (moved) ring(to);
    }
}

void Mailbox::drain() {
    // acquire: only orders the walk after the bell; each request is synchronised by its slot
    for (u64 senders = rang_.exchange(0, std::memory_order_acquire); senders != 0; senders &= senders - 1) {
        const auto from = static_cast<CpuIndex>(std::countr_zero(senders));
        unsigned taken = 0;
        for (; taken < slots; ++taken) {
            auto& slot = incoming_[from].slot[next_incoming_[from] % slots];
            // acquire: pairs with the sender's release in push()
            Request* const request = slot.load(std::memory_order_acquire);
            if (request == nullptr) break;
            // release: the sender may reuse the slot; pairs with its acquire in push()
            slot.store(nullptr, std::memory_order_release);
            ++next_incoming_[from];
            request->run(*request);
        }
        if (taken < slots) continue;
        // A full ring: more may follow without a bell of its own, since ours swallowed it, and the sender may
        // keep what did not fit. Our own bell makes us look again, the sender's makes it move the rest on.
        // relaxed: the next drain() synchronises
        rang_.fetch_or(u64{1} << from, std::memory_order_relaxed);
        ring(from);
    }
}

bool Mailbox::stop_polling() {
    polling_.store(false, std::memory_order_seq_cst);
    return rang_.load(std::memory_order_seq_cst) == 0;
}

} // namespace chorale
