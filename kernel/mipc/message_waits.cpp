// Who waits for messages, and who is waited for. And what is rarely done with them.
#include "kernel/mipc/message_space.hpp"

#include "kernel/core/schedule.hpp"
#include "kernel/sync/sync.hpp"
#include "kernel/sync/wait_table.hpp"

#include <bit>

namespace chorale {

namespace {

[[nodiscard]] u32 levels_of(u64 word) { return static_cast<u32>(word); }

// Who has waited longest, not waiting any more. When he was the last one `clear` goes out of the word, while
// nobody can begin to wait.
template <class Taker>
[[nodiscard]] Waiter* take_waiter(const Taker& held, u64 key, std::atomic<u64>& word, u64 clear) {
    return bucket_for(key).with(held, [&](Bucket& bucket, const auto&) {
        Waiter* const first = bucket.first(key);
        if (first != nullptr) bucket.leave(*first);
        // relaxed: what else is in the word keeps its order, as this continues it
        if (bucket.first(key) == nullptr) word.fetch_and(~clear, std::memory_order_relaxed);
        return first;
    });
}

void begin_wait(Thread& self, Bucket& bucket, u64 key) {
    self.sync.waiter.wanted = Wanted::message;
    self.message_wait.given = false;
    static_cast<void>(queue_up(self, bucket, key, VirtAddr{}, {})); // without an owner it cannot fail
}

} // namespace

// ---- pools -----------------------------------------------------------------------------------------

u32 MessageSpace::best_pool(u32 size) const {
    u32 best = none;
    for (u32 i = 0; i < pools_; ++i) {
        const u32 offered = pool_[i].message_size;
        if (offered >= size && (best == none || offered < pool_[best].message_size)) best = i;
    }
    return best;
}

// To one who is not waiting any more; end_wait() lets him know.
void MessageSpace::hand_over(Waiter& waiter, u32 message) {
    MessageWait& wait = waiter.thread->message_wait;
    MessageRecord& record = records_[message];
    wait.message = message;
    wait.address = wait.base + offset_of(message);
    wait.from = record.state.load(std::memory_order_relaxed); // relaxed: the caller's, for the moment
    wait.source = record.source;
    wait.given = true;
    hold(message, wait.slot);
}

// A free message, of whose pool somebody may wait for one.
void MessageSpace::give_to_waiter(u32 message) {
    FreeList& list = pool_of(message).free;
    const u64 key = key_of(pool_of(message));
    Waiter* const next = bucket_for(key).with([&](Bucket& bucket) {
        Waiter* const first = bucket.first(key);
        if (first == nullptr) {
            static_cast<void>(list.give(links(), message, true));
        } else {
            bucket.leave(*first);
        }
        return first;
    });
    if (next == nullptr) return;
    hand_over(*next, message);
    end_wait(*next, K_OK);
}

u32 MessageSpace::allocate(Thread& self, u32 pool, const WaitLimit& limit, long& answer) {
    const u64 key = key_of(pool_[pool]);
    const u32 message = bucket_for(key).with([&](Bucket& bucket) {
        u32 found = none;
        // Others come first: the list is empty as long as they wait.
        if (bucket.first(key) == nullptr) found = pool_[pool].free.take(links(), true);
        if (found != none) return found;
        answer = may_wait(self, limit);
        if (answer != no_result) return none;
        // It may have been filled by those who do not know of waiters yet.
        if (bucket.first(key) == nullptr) found = pool_[pool].free.take(links(), true, true);
        if (found == none) begin_wait(self, bucket, key);
        return found;
    });
    if (message != none) {
        hold(message, self.message_wait.slot);
    } else if (answer == no_result) {
        start_wait(self, limit);
    }
    return message;
}

// ---- queues ----------------------------------------------------------------------------------------

// By the taker: a queued message, before all others of its level. Whether somebody waits.
bool MessageSpace::put_first(MessageQueue& queue, u32 message) {
    // relaxed: the taker's own
    const u32 level = records_[message].state.load(std::memory_order_relaxed).level();
    queue.levels[level].put_first(links(), message);
    return announce(queue, level);
}

// Somebody may wait for what is in the queue: one of them gets one message. False: none of these is there.
bool MessageSpace::serve(MessageQueue& queue) {
    Waiter* next = nullptr;
    const NothingHeld nothing;
    queue.taker.with(nothing, [&](MessageQueue::Taker&, const auto& held) {
        const u32 message = take_best(queue);
        if (message == none) return;
        next = take_waiter(held, key_of(queue), queue.word, MessageQueue::waited);
        if (next == nullptr) next = take_waiter(held, key(), queue.word, MessageQueue::any);
        if (next != nullptr) return hand_over(*next, message);
        static_cast<void>(put_first(queue, message));
    });
    if (next != nullptr) end_wait(*next, K_OK);
    return next != nullptr;
}

u32 MessageSpace::get(Thread& self, u32 queue, const WaitLimit& limit, MessageState& from, long& answer) {
    MessageQueue& of = queue_[queue];
    const NothingHeld nothing;
    const u32 message = of.taker.with(nothing, [&](MessageQueue::Taker&, const auto& held) {
        answer = may_wait(self, limit);
        if (answer != no_result) return none;
        // acq_rel: see the head of message_space.hpp
        of.word.fetch_or(MessageQueue::waited, std::memory_order_acq_rel);
        const u32 found = take_best(of);
        if (found != none) {
            from = records_[found].state.load(std::memory_order_relaxed); // relaxed: the taker's own
            hold(found, self.message_wait.slot);
            return found;
        }
        const u64 key = key_of(of);
        bucket_for(key).with(held, [&](Bucket& bucket, const auto&) { begin_wait(self, bucket, key); });
        return none;
    });
    if (message == none && answer == no_result) start_wait(self, limit);
    return message;
}

bool MessageSpace::remove(u32 queue, u32 message, u32 level, OpeningSlot by) {
    MessageQueue& of = queue_[queue];
    return of.taker.with([&](MessageQueue::Taker&) {
        // acquire: pairs with nothing that is needed before the list is: remove() waits for it
        if (records_[message].state.load(std::memory_order_acquire) != MessageState::queued(queue, level))
            return false;
        of.levels[level].remove(links(), message);
        of.word.fetch_sub(MessageQueue::one, std::memory_order_relaxed); // relaxed: a number
        hold(message, by);
        return true;
    });
}

void MessageSpace::put_back(u32 message, MessageState from, OpeningSlot by) {
    if (from.is() == MessageState::Is::free) return static_cast<void>(free(message, by));
    MessageQueue& to = queue_[from.queue()];
    const bool somebody = to.taker.with([&](MessageQueue::Taker&) {
        MessageState held = MessageState::held(by);
        // Another thread of the actor may have guessed its address. acquire: as in put()
        if (!records_[message].state.compare_exchange_strong(held, from, std::memory_order_acquire,
                                                             std::memory_order_relaxed))
            return false;
        return put_first(to, message);
    });
    if (somebody) serve(to);
}

// ---- any queue -------------------------------------------------------------------------------------

// Which may have the best message; none.
u32 MessageSpace::best_queue() const {
    u32 best = none, best_levels = 0;
    for (u32 i = 0; i < queues_; ++i) {
        // acquire: pairs with release in announce()
        const u32 levels = levels_of(queue_[i].word.load(std::memory_order_acquire));
        if (levels == 0 || (best != none && std::countl_zero(levels) >= std::countl_zero(best_levels)))
            continue;
        best = i;
        best_levels = levels;
    }
    return best;
}

u32 MessageSpace::try_get_any(OpeningSlot by, MessageState& from) {
    // Each time round a message goes to somebody, or the bit of an empty level.
    for (u32 queue = best_queue(); queue != none; queue = best_queue()) {
        const u32 message = try_get(queue, by, from);
        if (message != none) return message;
    }
    return none;
}

long MessageSpace::get_any(Thread& self, const WaitLimit& limit) {
    if (const long answer = may_wait(self, limit); answer != no_result) return answer;
    bucket_for(key()).with([&](Bucket& bucket) {
        begin_wait(self, bucket, key());
        // acq_rel: as `waited` in get(); cleared under this lock only
        for (u32 i = 0; i < queues_; ++i)
            queue_[i].word.fetch_or(MessageQueue::any, std::memory_order_acq_rel);
    });
    start_wait(self, limit);
    // What has come before it was known that somebody waits goes to who waits longest.
    const std::atomic<u64>& waits = self.sync.waiter.key;
    // relaxed: who takes this thread out has it handed something, and looks no further himself
    while (waits.load(std::memory_order_relaxed) != 0) {
        const u32 queue = best_queue();
        if (queue == none) break;
        serve(queue_[queue]);
    }
    return no_result;
}

} // namespace chorale
