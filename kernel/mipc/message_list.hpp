// The messages of one priority in a queue, first come, first out. Anybody appends, with one exchange and
// without waiting for anybody; one CPU at a time, the *taker*, takes messages out, at either place. The links
// lie in the nucleus's records of the messages, so that a list allocates nothing and removal from the middle
// is as quick as from the front.
//
// To append is two steps, and between them the message has its place and cannot be reached yet:
//
//   Core X (appends B behind A)                   Core Y (taker, takes A)
//     A  last = B, learns of A  (acq_rel)           C  A.next is none
//     B  A.next = B             (release)           D  last: A -> none    (acq_rel)
// Either D succeeds, then A finds the list empty and writes `first`; or D fails: X is between A and B, a few
// instructions with interrupts off, and the taker looks at A.next until it is there. So takers wait for those
// who append, never the other way round.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/cpu.hpp>

#include <atomic>

namespace chorale {

struct MessageLink {
    static constexpr u32 none = ~u32{0};         // the end of a list
    static constexpr u32 unlinked = ~u32{0} - 1; // `previous` of one that is in no list, or not yet

    std::atomic<u32> next{none};
    std::atomic<u32> previous{unlinked};
};

// `links(number)` is a message's MessageLink.
class MessageList {
    static constexpr u32 none = MessageLink::none;

  public:
    // By whoever has the message for himself, and has learned that from the one who took it out last.
    template <class Links>
    void append(const Links& links, u32 message) {
        // acquire: pairs with release here: whoever took `before` out last had cleared its link before. And
        // with release in unlink(). release: who finds the message in `last` has what its owner wrote
        const u32 before = last_.exchange(message, std::memory_order_acq_rel);
        // relaxed: published by the next store
        links(message).previous.store(before, std::memory_order_relaxed);
        // release: pairs with acquire where a taker follows it
        (before == none ? first_ : links(before).next).store(message, std::memory_order_release);
    }

    // relaxed: a taker has synchronised by the queue's word with those whom it must not miss
    [[nodiscard]] bool empty() const { return last_.load(std::memory_order_relaxed) == none; }

    // ---- by the taker --------------------------------------------------------------------------
    // The first one; none.
    template <class Links>
    [[nodiscard]] u32 take(const Links& links) {
        if (empty()) return none;
        const u32 message = await(first_);
        unlink(links, message, none);
        return message;
    }

    // One that is here: its owner has called append(), or is about to.
    template <class Links>
    void remove(const Links& links, u32 message) {
        std::atomic<u32>& previous = links(message).previous;
        // relaxed: what is before it is looked at below
        while (previous.load(std::memory_order_relaxed) == MessageLink::unlinked) machine::relax();
        const u32 before = previous.load(std::memory_order_relaxed);
        // acquire: pairs with release in append(): the message can be reached
        while (place(links, before).load(std::memory_order_acquire) != message) machine::relax();
        unlink(links, message, before);
    }

    // Before all others.
    template <class Links>
    void put_first(const Links& links, u32 message) {
        MessageLink& link = links(message);
        link.previous.store(none,
                            std::memory_order_relaxed); // relaxed, all: takers are ordered by their lock
        u32 nobody = none;
        // release: pairs with acquire in append()
        if (last_.compare_exchange_strong(nobody, message, std::memory_order_release,
                                          std::memory_order_relaxed)) {
            first_.store(message, std::memory_order_relaxed);
            return;
        }
        const u32 next = await(first_);
        // relaxed, all: as above
        link.next.store(next, std::memory_order_relaxed);
        links(next).previous.store(message, std::memory_order_relaxed);
        first_.store(message, std::memory_order_relaxed);
    }

    // For inspection: `visit(message, the one before)` in sequence; the last one of all.
    template <class Links, class Visit>
    [[nodiscard]] u32 for_each(const Links& links, Visit&& visit) const {
        u32 before = none;
        for (u32 each = first_.load(); each != none; before = each, each = links(each).next.load())
            visit(each, before);
        return before;
    }
    [[nodiscard]] u32 last() const { return last_.load(); }

  private:
    // Somebody is about to write it.
    [[nodiscard]] static u32 await(const std::atomic<u32>& place) {
        for (;;) {
            // acquire: pairs with release in append()
            const u32 message = place.load(std::memory_order_acquire);
            if (message != none) return message;
            machine::relax();
        }
    }

    template <class Links>
    [[nodiscard]] std::atomic<u32>& place(const Links& links, u32 before) {
        return before == none ? first_ : links(before).next;
    }

    template <class Links>
    void unlink(const Links& links, u32 message, u32 before) {
        MessageLink& link = links(message);
        std::atomic<u32>& from = place(links, before);
        // acquire: pairs with release in append()
        u32 next = link.next.load(std::memory_order_acquire);
        if (next == none) {
            from.store(none, std::memory_order_relaxed); // relaxed: published by the exchange
            u32 expected = message;
            // release: pairs with acquire in append(), by who comes behind `before`. relaxed: see await()
            if (!last_.compare_exchange_strong(expected, before, std::memory_order_release,
                                               std::memory_order_relaxed))
                next = await(link.next);
        }
        if (next != none) {
            from.store(next, std::memory_order_relaxed); // relaxed, both: for takers, ordered by their lock
            links(next).previous.store(before, std::memory_order_relaxed);
        }
        // relaxed, both: its next owner learns of them with the message's state
        link.next.store(none, std::memory_order_relaxed);
        link.previous.store(MessageLink::unlinked, std::memory_order_relaxed);
    }

    std::atomic<u32> first_{none};
    std::atomic<u32> last_{none};
};

} // namespace chorale
