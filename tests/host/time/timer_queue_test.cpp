// The timer queue against std::multimap: random arming, cancelling and expiry, and a hundred thousand timers
// at once.
#include "kernel/time/timer_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <vector>

namespace chorale {
namespace {

struct Alarm : Timer {
    unsigned number{};
    std::vector<unsigned>* fired{};
};

struct TimerQueueTest : ::testing::Test {
    TimerQueue queue;
    std::vector<unsigned> fired;
    std::vector<Alarm> alarms;

    void make(unsigned count) {
        alarms = std::vector<Alarm>(count);
        for (unsigned i = 0; i < count; ++i) {
            alarms[i].number = i;
            alarms[i].fired = &fired;
            alarms[i].expire = [](Timer& timer) {
                auto& alarm = static_cast<Alarm&>(timer);
                EXPECT_FALSE(alarm.armed());
                alarm.fired->push_back(alarm.number);
            };
        }
    }
    // How many timers `expire_due` with a large limit expired.
    std::size_t expire(u64 now) {
        fired.clear();
        EXPECT_TRUE(queue.expire_due(now, ~0u));
        return fired.size();
    }
};

TEST_F(TimerQueueTest, EmptyIsNever) {
    EXPECT_EQ(queue.earliest(), TimerQueue::never);
    EXPECT_TRUE(queue.expire_due(TimerQueue::never, 1));
}

TEST_F(TimerQueueTest, ExpiresWhatIsDueAndNothingElse) {
    make(3);
    queue.arm(alarms[0], 30);
    queue.arm(alarms[1], 10);
    queue.arm(alarms[2], 20);
    EXPECT_EQ(queue.earliest(), 10u);
    EXPECT_EQ(expire(9), 0u);
    EXPECT_EQ(expire(20), 2u);
    EXPECT_EQ(fired, (std::vector{1u, 2u}));
    EXPECT_TRUE(alarms[0].armed());
    EXPECT_EQ(queue.earliest(), 30u);
}

TEST_F(TimerQueueTest, ArmingAgainMovesTheDeadline) {
    make(2);
    queue.arm(alarms[0], 10);
    queue.arm(alarms[1], 20);
    queue.arm(alarms[0], 30);
    EXPECT_EQ(queue.earliest(), 20u);
    EXPECT_EQ(expire(30), 2u);
    EXPECT_EQ(fired, (std::vector{1u, 0u}));
}

TEST_F(TimerQueueTest, CancellingTwiceIsCancellingOnce) {
    make(2);
    queue.arm(alarms[0], 10);
    queue.arm(alarms[1], 11);
    queue.cancel(alarms[0]);
    queue.cancel(alarms[0]);
    EXPECT_FALSE(alarms[0].armed());
    EXPECT_EQ(queue.earliest(), 11u);
    EXPECT_EQ(expire(100), 1u);
}

TEST_F(TimerQueueTest, TheLimitBoundsOneLook) {
    make(10);
    for (Alarm& alarm : alarms) queue.arm(alarm, 5);
    EXPECT_FALSE(queue.expire_due(5, 4));
    EXPECT_EQ(fired.size(), 4u);
    EXPECT_FALSE(queue.expire_due(5, 4));
    EXPECT_TRUE(queue.expire_due(5, 4));
    EXPECT_EQ(fired.size(), 10u);
}

TEST_F(TimerQueueTest, AnExpiringTimerMayArmItselfAgain) {
    struct Periodic : Timer {
        TimerQueue* queue{};
        int left{3};
    } periodic;
    periodic.queue = &queue;
    periodic.expire = [](Timer& timer) {
        auto& self = static_cast<Periodic&>(timer);
        if (--self.left != 0) self.queue->arm(self, self.deadline + 10);
    };
    queue.arm(periodic, 10);
    EXPECT_TRUE(queue.expire_due(15, 100));
    EXPECT_EQ(periodic.left, 2);
    EXPECT_TRUE(queue.expire_due(100, 100));
    EXPECT_EQ(periodic.left, 0);
    EXPECT_EQ(queue.earliest(), TimerQueue::never);
}

// The longest that a deadline can be away is a deadline as any other.
TEST_F(TimerQueueTest, DeadlinesAtBothEnds) {
    make(3);
    queue.arm(alarms[0], TimerQueue::never);
    queue.arm(alarms[1], 0);
    queue.arm(alarms[2], TimerQueue::never - 1);
    EXPECT_EQ(expire(0), 1u);
    EXPECT_EQ(expire(TimerQueue::never - 1), 1u);
    EXPECT_EQ(fired, std::vector{2u});
}

TEST_F(TimerQueueTest, DoesAsTheModelDoes) {
    std::mt19937_64 random{3};
    make(400);
    std::multimap<u64, unsigned> model;
    std::map<unsigned, std::multimap<u64, unsigned>::iterator> place;
    const auto forget = [&](unsigned number) {
        const auto found = place.find(number);
        if (found == place.end()) return;
        model.erase(found->second);
        place.erase(found);
    };
    u64 now = 0;
    for (int step = 0; step < 100'000; ++step) {
        Alarm& alarm = alarms[random() % alarms.size()];
        switch (random() % 8) {
        case 0:
        case 1:
        case 2:
        case 3: {
            const u64 deadline = now + random() % (step % 2 == 0 ? 50 : 100'000);
            queue.arm(alarm, deadline);
            forget(alarm.number);
            place[alarm.number] = model.emplace(deadline, alarm.number);
            break;
        }
        case 4:
        case 5:
            queue.cancel(alarm);
            forget(alarm.number);
            break;
        default: {
            now += random() % 100;
            const auto limit = static_cast<unsigned>(random() % 6);
            fired.clear();
            const bool all = queue.expire_due(now, limit);
            const auto due = static_cast<std::size_t>(std::distance(model.begin(), model.upper_bound(now)));
            ASSERT_EQ(fired.size(), std::min<std::size_t>(due, limit));
            ASSERT_EQ(all, due <= limit);
            u64 last = 0;
            for (const unsigned number : fired) {
                ASSERT_GE(place.at(number)->first, last);
                last = place.at(number)->first;
                ASSERT_LE(last, model.begin()->first); // none that is left was earlier
                forget(number);
            }
        }
        }
        ASSERT_EQ(queue.earliest(), model.empty() ? TimerQueue::never : model.begin()->first);
        ASSERT_EQ(alarm.armed(), place.contains(alarm.number));
        if (step % 64 == 0) ASSERT_TRUE(queue.sound());
    }
}

struct ManyTimers : TimerQueueTest, ::testing::WithParamInterface<bool> {};

TEST_P(ManyTimers, ComeOutSorted) {
    constexpr unsigned count = 100'000;
    make(count);
    std::vector<u64> deadlines(count);
    std::iota(deadlines.begin(), deadlines.end(), 1);
    // In descending order each arming makes a root over all others: the left side is as long as can be.
    if (!GetParam()) std::ranges::reverse(deadlines);
    if (GetParam()) std::ranges::shuffle(deadlines, std::mt19937{4});
    for (unsigned i = 0; i < count; ++i) queue.arm(alarms[i], deadlines[i]);
    ASSERT_TRUE(queue.sound());
    for (unsigned i = 0; i < count; i += 2) queue.cancel(alarms[i]);
    ASSERT_TRUE(queue.sound());
    ASSERT_EQ(expire(count), count / 2);
    EXPECT_TRUE(std::ranges::is_sorted(fired, {}, [&](unsigned number) { return deadlines[number]; }));
    EXPECT_TRUE(std::ranges::all_of(fired, [](unsigned number) { return number % 2 == 1; }));
    EXPECT_EQ(queue.earliest(), TimerQueue::never);
}

INSTANTIATE_TEST_SUITE_P(TimerQueue, ManyTimers, ::testing::Bool(),
                         [](const auto& suite) { return suite.param ? "Shuffled" : "Descending"; });

} // namespace
} // namespace chorale
