// The free messages of a pool: a stack in one word, lock-free, with a count of its changes so that a head
// that has gone and come back is not taken for the same one.
//
// The word also says that somebody waits, or did. Then only who has locked the waiters of the pool changes
// it, and so "empty, and I wait" is one step: what is given back from then on goes to a waiter.
#pragma once

#include "kernel/mipc/message_list.hpp"

namespace chorale {

class FreeList {
  public:
    static constexpr u32 none = 0xffff; // also: as many messages can be told apart
    enum class Outcome : u8 { done, waited };

    [[nodiscard]] u32 count() const {
        return count_of(word_.load(std::memory_order_relaxed)); // relaxed: of this moment
    }

    // The first one, or none. `locked`: the waiters are, and none is to be had before them; `waits`: when it
    // is empty, the word says so from now on. Else none also when somebody waits.
    template <class Links>
    [[nodiscard]] u32 take(const Links& links, bool locked = false, bool waits = false) {
        // acquire, here and below: pairs with release in give(): what the last owner did with the link
        u64 word = word_.load(std::memory_order_acquire);
        for (;;) {
            if ((word & waited) != 0 && !locked) return none;
            const u32 message = top_of(word);
            u64 wanted = word | waited;
            if (message == none) {
                if (!waits) return none;
            } else {
                // relaxed: when it has been taken meanwhile the link is nonsense, and the exchange fails
                const u32 next = links(message).next.load(std::memory_order_relaxed);
                wanted = make(next, count_of(word) - 1, word);
            }
            // release: pairs with acquire in give(), as that continues what was here
            if (!word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                             std::memory_order_acquire))
                continue;
            // relaxed: for its owner
            if (message != none) links(message).next.store(MessageLink::none, std::memory_order_relaxed);
            return message;
        }
    }

    // Outcome::waited: nothing has been done, as somebody may wait. `locked`: nobody does.
    template <class Links>
    [[nodiscard]] Outcome give(const Links& links, u32 message, bool locked = false) {
        u64 word = word_.load(std::memory_order_relaxed); // relaxed: only its number is looked at
        for (;;) {
            if ((word & waited) != 0 && !locked) {
                // relaxed: its owner's still; another attempt has written there
                links(message).next.store(MessageLink::none, std::memory_order_relaxed);
                return Outcome::waited;
            }
            links(message).next.store(top_of(word), std::memory_order_relaxed); // relaxed: see the exchange
            // release: pairs with acquire in take(). The links of those below it come along, as each exchange
            // continues the release of those before
            if (word_.compare_exchange_weak(word, make(message, count_of(word) + 1, word),
                                            std::memory_order_release, std::memory_order_relaxed))
                return Outcome::done;
        }
    }

    // For inspection.
    [[nodiscard]] bool somebody_waits() const { return (word_.load() & waited) != 0; }
    template <class Links, class Visit>
    void for_each(const Links& links, Visit&& visit) const {
        for (u32 each = top_of(word_.load()); each != none; each = links(each).next.load()) visit(each);
    }

  private:
    // index 16, count 16, changes 31, waited 1
    static constexpr u64 waited = u64{1} << 63;
    static constexpr u64 one_change = u64{1} << 32;
    static constexpr u64 changes = waited - one_change;

    [[nodiscard]] static constexpr u32 top_of(u64 word) { return static_cast<u32>(word) & 0xffff; }
    [[nodiscard]] static constexpr u32 count_of(u64 word) { return static_cast<u32>(word) >> 16; }
    [[nodiscard]] static constexpr u64 make(u32 top, u32 count, u64 before) {
        return ((before + one_change) & changes) | u64{count & 0xffff} << 16 | (top & 0xffff);
    }

    std::atomic<u64> word_{none};
};

} // namespace chorale
