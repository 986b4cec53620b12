// Who waits for what: a hash of the physical addresses of objects. A bucket has a lock of its own and a chain
// of queues, one for each object that somebody waits for. A queue has no head: its first waiter stands for
// it. So waiting allocates nothing, and an object for which nobody waits costs nothing.
//
// A queue is a heap: by time for most objects, by priority and then time for real-time mutexes. All that is
// done to one is O(log waiters). A chain is as long as there are objects waited for in the same bucket, which
// nobody can arrange: the hash has a secret, and programs do not know physical addresses.
//
// The queue of a real-time mutex has an owner, and the owner's Loans know its first waiter: every change here
// keeps that true, and tells the owner's CPU when the best of what is lent has changed.
#pragma once

#include "kernel/sync/sync_state.hpp"

namespace chorale {

// A thread that may have come to its end, and then does not count.
struct PossibleOwner {
    Thread* thread{};
    u64 serial{};
};

class Bucket {
  public:
    // The best waiter for the object; nullptr: nobody waits.
    [[nodiscard]] Waiter* first(u64 key) const;

    // Behind its equals: `rank` is the priority that the queue goes by, 0 where it goes by time only. `owner`
    // counts for the first waiter only; false when that one has come to its end, and nothing is changed.
    [[nodiscard]] bool add(Waiter& waiter, u16 rank, const PossibleOwner& owner = {});
    void remove(Waiter& waiter);
    void leave(Waiter& waiter); // remove() for good: by the thread's CPU, or by who calls end_wait() then
    // The rank has changed; its time has not.
    void move(Waiter& waiter, u16 rank);
    // The queue has another owner.
    void set_owner(Waiter& first, Thread& owner);

    // Who has waited since then; for those that look at each waiter once.
    [[nodiscard]] u64 clock() const { return clock_; }
    [[nodiscard]] static u64 since(const Waiter& waiter);

    // For inspection: `visit(const Waiter& first)` for each queue.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const Waiter* each = chain_; each != nullptr; each = each->next_queue) visit(*each);
    }

  private:
    [[nodiscard]] Waiter** place_of(u64 key);
    void put(Waiter** place, Waiter* before, Waiter* first);

    Waiter* chain_{};
    u64 clock_{};
};

inline constexpr unsigned bucket_count = 512;
[[nodiscard]] Guarded<Rank::sync, Bucket>& bucket_for(u64 key);
[[nodiscard]] Guarded<Rank::sync, Bucket>& bucket_at(unsigned index); // for inspection
void init_wait_table(u64 secret);

} // namespace chorale
