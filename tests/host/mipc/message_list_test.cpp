// The lists of messages: all sequences of a few steps, and threads that meet. Built with the thread sanitizer
// too, which sees what the memory orders leave open: each message has a word that only its owner touches.
#include "kernel/base/spin_lock.hpp"
#include "kernel/mipc/free_list.hpp"
#include "kernel/mipc/message_list.hpp"

#include "tests/host/order/together.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>

namespace chorale {
namespace {

constexpr u32 none = MessageLink::none;

struct Messages {
    static constexpr u32 count = 6;
    struct Message {
        MessageLink link;
        std::atomic<u32> owner{}; // who has it, published as the nucleus's states are
        u64 text{};               // the owner's
    };
    std::array<Message, count> message;

    auto links() {
        return [this](u32 number) -> MessageLink& { return message[number].link; };
    }
};

// The list says the same as a deque, in every sequence of six steps that append, take, remove and put back.
TEST(MessageList, all_short_sequences) {
    constexpr unsigned steps = 6, kinds = 6;
    unsigned sequences = 1;
    for (unsigned i = 0; i < steps; ++i) sequences *= kinds;
    for (unsigned sequence = 0; sequence < sequences; ++sequence) {
        Messages all;
        MessageList list;
        std::deque<u32> model;
        u32 fresh = 0;
        for (unsigned step = 0, rest = sequence; step < steps; ++step, rest /= kinds) {
            switch (rest % kinds) {
            case 0:
            case 1:
                list.append(all.links(), fresh);
                model.push_back(fresh++);
                break;
            case 2: {
                const u32 wanted = model.empty() ? none : model.front();
                ASSERT_EQ(list.take(all.links()), wanted);
                if (!model.empty()) model.pop_front();
                break;
            }
            case 3:
                list.put_first(all.links(), fresh);
                model.push_front(fresh++);
                break;
            default: // from the middle, or the end
                if (model.empty()) break;
                const auto place =
                    rest % kinds == 4 ? model.begin() + static_cast<long>(model.size() / 2) : model.end() - 1;
                list.remove(all.links(), *place);
                model.erase(place);
            }
            std::deque<u32> seen;
            const u32 last = list.for_each(all.links(), [&](u32 message, u32 before) {
                ASSERT_EQ(before, seen.empty() ? none : seen.back());
                seen.push_back(message);
            });
            ASSERT_EQ(seen, model) << "sequence " << sequence;
            ASSERT_EQ(last, list.last());
            ASSERT_EQ(list.empty(), model.empty());
        }
    }
}

// Some append, one at a time takes: from the front, from anywhere, and back. Nothing is lost or comes twice,
// and each sees what the last owner wrote.
TEST(MessageList, appended_and_taken_at_once) {
    constexpr unsigned cpus = 4, appenders = 2;
    Messages all;
    MessageList list;
    Guarded<Rank::messages, u64> taker;
    std::atomic<u64> wrong{0}, turns{0};
    test::Together together{cpus};
    together.run(std::chrono::milliseconds{400}, [&](CpuIndex cpu, u64 round) {
        test::dawdle(round + cpu);
        if (cpu < appenders) {
            for (u32 i = cpu; i < Messages::count; i += appenders) {
                // acquire: as in MessageSpace::put()
                if (all.message[i].owner.load(std::memory_order_acquire) != 0) continue;
                all.message[i].owner.store(1, std::memory_order_relaxed); // relaxed: the list publishes it
                all.message[i].text = round << 8 | i;
                list.append(all.links(), i);
            }
            return;
        }
        taker.with([&](u64&) {
            u32 message = none;
            const u32 some = static_cast<u32>(round) % Messages::count;
            // acquire: as in MessageSpace::remove()
            if (round % 3 == 0 && all.message[some].owner.load(std::memory_order_acquire) == 1) {
                message = some;
                list.remove(all.links(), message);
            } else {
                message = list.take(all.links());
            }
            if (message == none) return;
            if ((all.message[message].text & 0xff) != message) wrong.fetch_add(1);
            if (round % 5 == 0) return list.put_first(all.links(), message);
            all.message[message].text = 0xff;
            turns.fetch_add(1);
            // release: as in MessageSpace::hold()
            all.message[message].owner.store(0, std::memory_order_release);
        });
    });
    EXPECT_EQ(wrong.load(), 0u);
    EXPECT_GT(turns.load(), 0u);
    u32 left = 0;
    while (list.take(all.links()) != none) ++left;
    u32 owned = 0;
    for (const auto& message : all.message) owned += message.owner.load();
    EXPECT_EQ(left, owned);
}

TEST(FreeList, says_when_somebody_waits) {
    Messages all;
    FreeList list;
    const auto links = all.links();
    EXPECT_EQ(list.take(links), FreeList::none);
    EXPECT_EQ(list.give(links, 3), FreeList::Outcome::done);
    EXPECT_EQ(list.give(links, 5), FreeList::Outcome::done);
    EXPECT_EQ(list.count(), 2u);
    EXPECT_EQ(list.take(links), 5u);
    EXPECT_EQ(list.take(links, true, true), 3u);
    EXPECT_EQ(all.message[3].link.next.load(), none);
    EXPECT_FALSE(list.somebody_waits());
    EXPECT_EQ(list.take(links, true, true), FreeList::none);
    EXPECT_TRUE(list.somebody_waits());
    // From now on only with the waiters locked.
    EXPECT_EQ(list.give(links, 1), FreeList::Outcome::waited);
    EXPECT_EQ(list.count(), 0u);
    EXPECT_EQ(list.give(links, 1, true), FreeList::Outcome::done);
    EXPECT_FALSE(list.somebody_waits());
    EXPECT_EQ(list.take(links), 1u);
}

// Each takes a few and gives them back in another order; who has one is alone with it.
TEST(FreeList, taken_and_given_at_once) {
    constexpr unsigned cpus = 3;
    Messages all;
    FreeList list;
    for (u32 i = 0; i < Messages::count; ++i) static_cast<void>(list.give(all.links(), i));
    std::atomic<u64> wrong{0};
    test::Together together{cpus};
    together.run(std::chrono::milliseconds{400}, [&](CpuIndex cpu, u64 round) {
        std::array<u32, 2> mine{};
        for (unsigned turn = 0; turn < 10; ++turn) {
            test::dawdle(round + cpu + turn);
            for (u32& message : mine) {
                message = list.take(all.links());
                if (message != FreeList::none) all.message[message].text = cpu;
            }
            for (const u32 message : mine) {
                if (message == FreeList::none) continue;
                if (all.message[message].text != cpu) wrong.fetch_add(1);
                static_cast<void>(list.give(all.links(), message));
            }
        }
    });
    EXPECT_EQ(wrong.load(), 0u);
    EXPECT_EQ(list.count(), Messages::count);
    u32 seen = 0;
    list.for_each(all.links(), [&](u32) { ++seen; });
    EXPECT_EQ(seen, Messages::count);
}

// Somebody begins to wait while a message is given back: it is not in the pool then, and as it was before.
TEST(FreeList, given_back_as_somebody_begins_to_wait) {
    Messages all;
    FreeList list;
    bool waits = false;
    const auto links = [&](u32 number) -> MessageLink& {
        if (!waits) {
            waits = true;
            EXPECT_EQ(list.take(all.links(), true, true), FreeList::none);
        }
        return all.message[number].link;
    };
    EXPECT_EQ(list.give(links, 2), FreeList::Outcome::waited);
    EXPECT_EQ(list.count(), 0u);
    EXPECT_EQ(all.message[2].link.next.load(), none);
}

} // namespace
} // namespace chorale
