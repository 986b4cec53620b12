// The ready threads of one CPU: a FIFO per priority, 0 the best of 256. Only the owning CPU touches it, so it
// has no lock. Insertion, removal and choice are O(1): a bitmap of non-empty queues, and the best of them
// kept at hand for the fast path's one compare.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/types.hpp"

#include <array>
#include <bit>

namespace chorale {

struct InReady;

// What a queue needs to know of a thread.
struct Schedulable : ListNode<InReady> {
    u32 queued_priority{};
};

class RunQueue {
  public:
    static constexpr u32 priorities = 256;
    static constexpr u32 none = priorities;

    // `top` is where the best ready priority is published.
    explicit RunQueue(u32& top) : top_{top} {}

    [[nodiscard]] bool empty() const { return top_ == none; }

    // A thread that becomes ready after blocking goes to the tail, a preempted one back to the head.
    void push_back(Schedulable& thread, u32 priority) {
        note(thread, priority);
        queue_[priority].push_back(thread);
    }
    void push_front(Schedulable& thread, u32 priority) {
        note(thread, priority);
        queue_[priority].push_front(thread);
    }

    Schedulable* pop() {
        if (empty()) return nullptr;
        const u32 priority = top_;
        Schedulable& thread = queue_[priority].take_front();
        if (queue_[priority].empty()) forget(priority);
        return &thread;
    }

    // `thread` goes to the tail of the queue of `priority`, the best, whose first is returned. The queue is
    // not empty before or after.
    Schedulable& rotate(Schedulable& thread, u32 priority) {
        thread.queued_priority = priority;
        return queue_[priority].rotate(thread);
    }

    void remove(Schedulable& thread) {
        const u32 priority = thread.queued_priority;
        Queue::remove(thread);
        if (queue_[priority].empty()) forget(priority);
    }

    // The best thread of which `wanted` holds, among the `limit` best.
    template <class Wanted>
    [[nodiscard]] Schedulable* find(unsigned limit, Wanted&& wanted) const;

    [[nodiscard]] static bool contains(const Schedulable& thread) { return Queue::contains(thread); }

    // For inspection: the queue of a priority, and whether the bitmap says that somebody is in it.
    using Queue = List<Schedulable, InReady>;
    [[nodiscard]] const Queue& queue(u32 priority) const { return queue_[priority]; }
    [[nodiscard]] bool marked(u32 priority) const {
        return (bitmap_[priority / 64] >> (priority % 64) & 1) != 0;
    }

  private:
    void note(Schedulable& thread, u32 priority) {
        thread.queued_priority = priority;
        bitmap_[priority / 64] |= u64{1} << (priority % 64);
        if (priority < top_) top_ = priority;
    }
    void forget(u32 priority) {
        bitmap_[priority / 64] &= ~(u64{1} << (priority % 64));
        if (priority != top_) return;
        for (u32 word = priority / 64; word < bitmap_.size(); ++word) {
            if (bitmap_[word] != 0) {
                top_ = word * 64 + static_cast<u32>(std::countr_zero(bitmap_[word]));
                return;
            }
        }
        top_ = none;
    }

    u32& top_;
    std::array<u64, priorities / 64> bitmap_{};
    std::array<Queue, priorities> queue_{};
};

template <class Wanted>
Schedulable* RunQueue::find(unsigned limit, Wanted&& wanted) const {
    for (u32 word = 0; word < bitmap_.size(); ++word) {
        for (u64 bits = bitmap_[word]; bits != 0; bits &= bits - 1) {
            const Queue& queue = queue_[word * 64 + static_cast<u32>(std::countr_zero(bits))];
            for (Schedulable* thread = queue.front(); thread != nullptr; thread = queue.next(*thread)) {
                if (limit-- == 0) return nullptr;
                if (wanted(*thread)) return thread;
            }
        }
    }
    return nullptr;
}

} // namespace chorale
