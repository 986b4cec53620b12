#include "kernel/sync/wait_table.hpp"

#include "kernel/core/thread.hpp"
#include "kernel/sync/lending.hpp"

#include <array>
#include <bit>

namespace chorale {

namespace {

constexpr unsigned rank_shift = 48; // below it the time, in waits: enough for some years
constexpr u64 time_mask = (u64{1} << rank_shift) - 1;

struct alignas(cache_line) Cell {
    Guarded<Rank::sync, Bucket> bucket;
};
std::array<Cell, bucket_count> cells;
u64 multiplier = 1;

[[nodiscard]] HeapLink& link_of(Waiter& waiter) { return static_cast<HeapNode<InQueue>&>(waiter); }
[[nodiscard]] Waiter* waiter_of(HeapLink* link) {
    return link == nullptr ? nullptr : static_cast<Waiter*>(static_cast<HeapNode<InQueue>*>(link));
}
[[nodiscard]] u64 order_of(const Waiter& waiter) {
    return static_cast<const HeapNode<InQueue>&>(waiter).order;
}

// relaxed, both: the key of a waiter in a bucket stays, and was written by who put it there
[[nodiscard]] u64 key_of(const Waiter& waiter) { return waiter.key.load(std::memory_order_relaxed); }

// In the owner's Loans `after` takes the place of `before`; either may be missing.
void change_loan(Thread& owner, Waiter* before, Waiter* after) {
    owner.sync.loans.with([&](Loans& loans) {
        const u16 lent = best_loan(loans);
        if (before != nullptr) loans.heap.remove(*before);
        if (after != nullptr) loans.heap.insert(*after, order_of(*after));
        if (best_loan(loans) != lent) tell(owner, loans);
    });
}

// The first loan to this owner; false: it has come to its end.
[[nodiscard]] bool begin_loan(const PossibleOwner& owner, Waiter& first) {
    return owner.thread->sync.loans.with([&](Loans& loans) {
        // relaxed: whoever ends the thread has closed its loans before, under this lock
        if (loans.closed || owner.thread->serial.load(std::memory_order_relaxed) != owner.serial)
            return false;
        const u16 lent = best_loan(loans);
        loans.heap.insert(first, order_of(first));
        if (best_loan(loans) != lent) tell(*owner.thread, loans);
        return true;
    });
}

} // namespace

u16 best_loan(const Loans& loans) {
    const Waiter* const best = loans.heap.top();
    return best == nullptr ? SyncState::nothing_lent
                           : static_cast<u16>(loans.heap.order_of(*best) >> rank_shift);
}

u64 Bucket::since(const Waiter& waiter) { return order_of(waiter) & time_mask; }

Waiter** Bucket::place_of(u64 key) {
    Waiter** place = &chain_;
    while (*place != nullptr && key_of(**place) != key) place = &(*place)->next_queue;
    return place;
}

Waiter* Bucket::first(u64 key) const {
    Waiter* each = chain_;
    while (each != nullptr && key_of(*each) != key) each = each->next_queue;
    return each;
}

// `first` stands for the queue that `before` stood for; one of them may be missing.
void Bucket::put(Waiter** place, Waiter* before, Waiter* first) {
    if (before == first) return;
    Waiter* const next = before != nullptr ? before->next_queue : nullptr;
    Thread* const owner = before != nullptr ? before->owner : nullptr;
    if (before != nullptr) {
        before->next_queue = nullptr;
        before->owner = nullptr;
    }
    if (first != nullptr) {
        first->next_queue = next;
        first->owner = owner;
    }
    *place = first != nullptr ? first : next;
    if (owner != nullptr) change_loan(*owner, before, first);
}

bool Bucket::add(Waiter& waiter, u16 rank, const PossibleOwner& owner) {
    link_of(waiter).order = u64{rank} << rank_shift | (++clock_ & time_mask);
    Waiter** const place = place_of(key_of(waiter));
    Waiter* const before = *place;
    if (before == nullptr && owner.thread != nullptr && !begin_loan(owner, waiter)) return false;
    HeapLink* top = before == nullptr ? nullptr : &link_of(*before);
    heap_insert(top, link_of(waiter));
    waiter.next_queue = nullptr;
    put(place, before, waiter_of(top));
    if (before == nullptr) waiter.owner = owner.thread;
    return true;
}

void Bucket::remove(Waiter& waiter) {
    Waiter** const place = place_of(key_of(waiter));
    Waiter* const before = *place;
    HeapLink* top = &link_of(*before);
    heap_remove(top, link_of(waiter));
    put(place, before, waiter_of(top));
}

// A key is cleared with its own bucket locked, so whoever has locked that and finds the key has the waiter
// for himself. relaxed: therefore
void Bucket::leave(Waiter& waiter) {
    remove(waiter);
    waiter.key.store(0, std::memory_order_relaxed);
}

void Bucket::move(Waiter& waiter, u16 rank) {
    Waiter** const place = place_of(key_of(waiter));
    Waiter* const before = *place;
    HeapLink* top = &link_of(*before);
    heap_remove(top, link_of(waiter));
    link_of(waiter).order = u64{rank} << rank_shift | since(waiter);
    heap_insert(top, link_of(waiter));
    Waiter* const first = waiter_of(top);
    put(place, before, first);
    if (before == first && first == &waiter && waiter.owner != nullptr)
        change_loan(*waiter.owner, &waiter, &waiter);
}

void Bucket::set_owner(Waiter& first, Thread& owner) {
    if (first.owner != nullptr) change_loan(*first.owner, &first, nullptr);
    first.owner = &owner;
    change_loan(owner, nullptr, &first);
}

Guarded<Rank::sync, Bucket>& bucket_at(unsigned index) { return cells[index].bucket; }

// Multiply and shift: with a secret odd multiplier no two keys meet more often than by chance.
Guarded<Rank::sync, Bucket>& bucket_for(u64 key) {
    return cells[key * multiplier >> (64 - std::countr_zero(bucket_count))].bucket;
}

void init_wait_table(u64 secret) { multiplier = secret | 1; }

} // namespace chorale
