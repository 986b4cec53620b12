// A message space: the frames of its pools, which lie in the spaces of all who have opened it, and what the
// nucleus knows of each message, queue and pool, which nobody else can reach. A message has a number here; a
// program names it by its address, which means something only together with the program's *opening*
// (kernel/mipc/opening.hpp), and is looked at anew in each call.
//
// The state of a message says whose turn it is, and changes hands by one operation on one word:
//
//   free ──take from the pool──► held by an opening ──put: compare and swap──► queued
//    ▲                                │      ▲                                   │
//    └───free: compare and swap───────┘      └──────the queue's taker────────────┘
//
// So two threads that put or free the same message at once do so once.
//
// Nothing here waits for anybody who is in the middle of something, but takers: a queue has one at a time, by
// its lock, and waits for the few instructions of those who append (message_list.hpp). Putting, allocating
// and freeing are lock-free.
//
// Waiting. Who finds nothing waits in the table of kernel/sync (wait_table.hpp), under the address of the
// queue, of the pool, or of the space for any queue. That somebody does is a bit in the word that everybody
// changes who brings something: the pool's (free_list.hpp), or the queue's:
//
//   Core X (puts)                                 Core Y (gets, as the queue's taker)
//     A  appends the message                        C  word |= waited       (acq_rel)
//     B  word: one more, its level  (acq_rel)       D  no level in the word: into the wait table
// Both change the same word, so one comes first. B first: Y sees the level, and what is behind it. C first: X
// sees `waited`, becomes the taker after Y, and hands over.
//
// A level's bit may stay when the last message has gone, so that the next one need not set it. Who finds the
// level empty clears the bit and looks again: a message that came before the clearing, and whose putter saw
// the bit, is there by then.
#pragma once

#include "kernel/base/spin_lock.hpp"
#include "kernel/mipc/free_list.hpp"
#include "kernel/mipc/message_list.hpp"
#include "kernel/mipc/message_wait.hpp"
#include "kernel/mipc/page_array.hpp"

#include <mipc/chMipc.h>

#include <array>

namespace chorale {

class WaitLimit;
struct Thread;
struct Waiter;

struct MessageRecord {
    MessageLink link;
    std::atomic<MessageState> state{};
    KnUniqueId source{}; // of a queued one, and until it is told: the actor that put it
};

struct alignas(cache_line) MessagePool {
    FreeList free;
    u32 message_size{}; // as wanted
    u32 lines{};        // that a message takes
    u32 number{};       // of messages
    u32 first{};        // the number of its first message in the space
    uword begin{};      // of its memory in the space's
};

struct alignas(cache_line) MessageQueue {
    // levels 32: those that may have messages; waited 1: there are waiters for it, or were; any 1: for any
    // queue; length 30
    static constexpr u64 waited = u64{1} << 32, any = u64{1} << 33, one = u64{1} << 34;
    struct Taker {};

    // 0 also while somebody takes a message whose putter has not counted it yet.
    [[nodiscard]] u32 length() const {
        // relaxed: of this moment
        const auto length = static_cast<std::int64_t>(word.load(std::memory_order_relaxed)) >> 34;
        return length > 0 ? static_cast<u32>(length) : 0;
    }

    std::atomic<u64> word{};
    Guarded<Rank::messages, Taker> taker;
    std::array<MessageList, K_MSG_PRIOMAX + 1> levels{};
};

// What a space is to have, in order of the arguments of msgSpaceCreate.
struct MessageSpacePlan {
    KnMsgSpaceId name{};
    u32 queues{};
    u32 pools{};
    std::array<KnMsgPool, K_MSG_POOLMAX> pool{};
};

class MessageSpace {
  public:
    static constexpr u32 none = FreeList::none;
    static constexpr uword size_limit = uword{PageArray<PhysAddr>::limit} << page_bits;
    static constexpr uword alignment = cache_line;

    // Where the lists find a message's link.
    struct Links {
        const PageArray<MessageRecord>& records;
        [[nodiscard]] MessageLink& operator()(u32 message) const { return records[message].link; }
    };

    // The measures; nothing is there yet. Errors: invalid, no_memory (too large).
    [[nodiscard]] static Status check(const MessageSpacePlan& plan);
    [[gnu::noinline]] explicit MessageSpace(const MessageSpacePlan& plan);

    // A part of the records; true: all are there. Errors: no_memory.
    [[nodiscard]] Result<bool> build_step();
    // The next frame, zeroed; it belongs to the space. Errors: no_memory.
    [[nodiscard]] Result<PhysAddr> add_frame();
    // Nobody knows the space any more. Frees a part; true: all is gone.
    [[nodiscard]] bool dismantle_step();
    // Ends the waits of those who wait here all the same; a bounded number: true: all.
    [[nodiscard]] bool end_waits_step();

    [[nodiscard]] KnMsgSpaceId name() const { return name_; }
    [[nodiscard]] uword size() const { return size_; }
    [[nodiscard]] u32 queue_count() const { return queues_; }
    [[nodiscard]] u32 pool_count() const { return pools_; }
    [[nodiscard]] u32 message_count() const { return messages_; }
    [[nodiscard]] u32 frame_count() const { return frame_count_; }
    [[nodiscard]] PhysAddr frame(u32 index) const { return frames_[index]; }
    [[nodiscard]] const MessagePool& pool(u32 index) const { return pool_[index]; }
    [[nodiscard]] MessageQueue& queue(u32 index) const { return queue_[index]; }
    [[nodiscard]] MessageRecord& record(u32 message) const { return records_[message]; }

    // The message that begins at this offset; none.
    [[nodiscard]] [[gnu::noinline]] u32 message_at(uword offset) const;
    [[nodiscard]] [[gnu::noinline]] uword offset_of(u32 message) const;
    // Of the pools whose messages are large enough, the one with the smallest; none.
    [[nodiscard]] u32 best_pool(u32 size) const;

    // ---- what the calls do. False: the message is not the opening's, or not there --------------
    [[nodiscard]] bool put(u32 queue, u32 message, u32 level, OpeningSlot by, const KnUniqueId& source);
    [[nodiscard]] bool free(u32 message, OpeningSlot by);
    [[nodiscard]] bool remove(u32 queue, u32 message, u32 level, OpeningSlot by);
    // A message for who does not wait: none when there is none, or others wait.
    [[nodiscard]] u32 try_allocate(u32 pool, OpeningSlot by) {
        const u32 message = pool_[pool].free.take(links());
        if (message != none) [[likely]]
            hold(message, by);
        return message;
    }
    // `from`: out of which queue and level it came.
    [[nodiscard]] [[gnu::noinline]] u32 try_get(u32 queue, OpeningSlot by, MessageState& from);
    [[nodiscard]] [[gnu::noinline]] u32 try_get_any(OpeningSlot by, MessageState& from);

    // Who has found none begins to wait, as its MessageWait says, unless there is one after all: then
    // `answer` is no_result, or says why it does not wait.
    [[nodiscard]] u32 allocate(Thread& self, u32 pool, const WaitLimit& limit, long& answer);
    [[nodiscard]] u32 get(Thread& self, u32 queue, const WaitLimit& limit, MessageState& from, long& answer);
    [[nodiscard]] long get_any(Thread& self, const WaitLimit& limit);

    // A message that its getter has no use for: as if it had never left the queue.
    void put_back(u32 message, MessageState from, OpeningSlot by);

    // For inspection: the pages of the records, the links, what a waiter's key means.
    template <class Visit>
    void for_each_page(Visit&& visit) const {
        queue_.for_each_page(visit);
        records_.for_each_page(visit);
        frames_.for_each_page(visit);
    }
    [[nodiscard]] bool built() const { return freed_ == messages_; }
    [[nodiscard]] Links links() const { return {records_}; }
    [[nodiscard]] u64 key() const { return reinterpret_cast<u64>(this) | key_mark; }
    [[nodiscard]] static u64 key_of(const MessageQueue& queue) {
        return reinterpret_cast<u64>(&queue) | key_mark;
    }
    [[nodiscard]] static u64 key_of(const MessagePool& pool) {
        return reinterpret_cast<u64>(&pool) | key_mark;
    }

    u64 openers{}; // slots in use; this and the next under the lock of the table of spaces
    bool ready{};  // others may open it

  private:
    // No physical address of an object is odd.
    static constexpr u64 key_mark = 1;

    [[nodiscard]] MessagePool& pool_of(u32 message);
    void give_to_waiter(u32 message);
    void hold(u32 message, OpeningSlot by);
    void hand_over(Waiter& waiter, u32 message);
    [[nodiscard]] static bool announce(MessageQueue& queue, u32 level);
    // One copy each, the text budget: these are called from several places.
    [[nodiscard]] [[gnu::noinline]] u32 take_best(MessageQueue& queue) const;
    [[gnu::noinline]] bool put_first(MessageQueue& queue, u32 message);
    [[gnu::noinline]] bool serve(MessageQueue& queue);
    [[nodiscard]] u32 best_queue() const;

    KnMsgSpaceId name_{};
    u32 queues_{}, pools_{}, messages_{}, frame_count_{};
    u32 freed_{}; // by build_step(): records that are in their pools
    uword size_{};
    std::array<MessagePool, K_MSG_POOLMAX> pool_{};
    PageArray<MessageQueue> queue_;
    PageArray<MessageRecord> records_;
    PageArray<PhysAddr> frames_;
};

} // namespace chorale
