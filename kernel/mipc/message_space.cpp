// What is done with messages when nobody waits: a few instructions each.
#include "kernel/mipc/message_space.hpp"

#include <bit>

namespace chorale {

namespace {

constexpr u32 level_count = K_MSG_PRIOMAX + 1;

[[nodiscard]] u32 levels_of(u64 word) { return static_cast<u32>(word); }
[[nodiscard]] u32 best_of(u32 levels) { return level_count - 1 - static_cast<u32>(std::countl_zero(levels)); }

} // namespace

// ---- where a message is ----------------------------------------------------------------------------

u32 MessageSpace::message_at(uword offset) const {
    if (offset >= size_ || offset % alignment != 0) return none;
    u32 index = pools_ - 1;
    while (offset < pool_[index].begin) --index;
    const MessagePool& pool = pool_[index];
    const u32 line = static_cast<u32>((offset - pool.begin) / alignment);
    const u32 message = line / pool.lines;
    return message < pool.number && message * pool.lines == line ? pool.first + message : none;
}

MessagePool& MessageSpace::pool_of(u32 message) {
    u32 index = pools_ - 1;
    while (message < pool_[index].first) --index;
    return pool_[index];
}

uword MessageSpace::offset_of(u32 message) const {
    u32 index = pools_ - 1;
    while (message < pool_[index].first) --index;
    const MessagePool& pool = pool_[index];
    return pool.begin + uword{message - pool.first} * pool.lines * alignment;
}

// ---- whose it is -----------------------------------------------------------------------------------

void MessageSpace::hold(u32 message, OpeningSlot by) {
    // release: pairs with acquire in put() and free(): what the taker did with the links
    records_[message].state.store(MessageState::held(by), std::memory_order_release);
}

// ---- pools -----------------------------------------------------------------------------------------

bool MessageSpace::free(u32 message, OpeningSlot by) {
    MessageState held = MessageState::held(by);
    // acquire: pairs with release in hold()
    if (!records_[message].state.compare_exchange_strong(held, MessageState{}, std::memory_order_acquire,
                                                         std::memory_order_relaxed))
        return false;
    if (pool_of(message).free.give(links(), message) == FreeList::Outcome::waited) [[unlikely]]
        give_to_waiter(message);
    return true;
}

// ---- queues ----------------------------------------------------------------------------------------

// A message has been added to the level. Whether somebody waits.
bool MessageSpace::announce(MessageQueue& queue, u32 level) {
    const u64 bit = u64{1} << level;
    // acq_rel, both: who finds the level finds the message; and see the head of message_space.hpp
    u64 word = queue.word.fetch_add(MessageQueue::one, std::memory_order_acq_rel);
    if ((word & bit) == 0) word = queue.word.fetch_or(bit, std::memory_order_acq_rel);
    return (word & (MessageQueue::waited | MessageQueue::any)) != 0;
}

bool MessageSpace::put(u32 queue, u32 message, u32 level, OpeningSlot by, const KnUniqueId& source) {
    MessageRecord& record = records_[message];
    MessageState held = MessageState::held(by);
    // acquire: pairs with release in hold(). Who finds the message in the queue learns of this by the list
    if (!record.state.compare_exchange_strong(held, MessageState::queued(queue, level),
                                              std::memory_order_acquire, std::memory_order_relaxed))
        return false;
    record.source = source;
    MessageQueue& to = queue_[queue];
    to.levels[level].append(links(), message);
    if (announce(to, level)) [[unlikely]]
        serve(to);
    return true;
}

// By the taker: the first of the best level; none.
u32 MessageSpace::take_best(MessageQueue& queue) const {
    // acquire: pairs with release in announce()
    u32 levels = levels_of(queue.word.load(std::memory_order_acquire));
    while (levels != 0) {
        const u32 level = best_of(levels);
        const u32 message = queue.levels[level].take(links());
        if (message != MessageLink::none) [[likely]] {
            // relaxed: a number
            queue.word.fetch_sub(MessageQueue::one, std::memory_order_relaxed);
            return message;
        }
        const u64 bit = u64{1} << level;
        // acq_rel: pairs with announce(): who saw the bit before has appended before
        levels = levels_of(queue.word.fetch_and(~bit, std::memory_order_acq_rel) & ~bit);
        if (queue.levels[level].empty()) continue;
        queue.word.fetch_or(bit, std::memory_order_relaxed); // relaxed: continues what announce() released
        levels |= static_cast<u32>(bit);
    }
    return none;
}

u32 MessageSpace::try_get(u32 queue, OpeningSlot by, MessageState& from) {
    MessageQueue& of = queue_[queue];
    // relaxed: who waits longer is served first, if only by chance
    while ((of.word.load(std::memory_order_relaxed) & MessageQueue::waited) != 0 && serve(of)) {
    }
    return of.taker.with([&](MessageQueue::Taker&) {
        const u32 message = take_best(of);
        if (message == none) return none;
        from = records_[message].state.load(std::memory_order_relaxed); // relaxed: the taker's own
        hold(message, by);
        return message;
    });
}

} // namespace chorale
