// Memory order of the lock: data that only the holder touches, and what its holders did before.
#include "kernel/base/spin_lock.hpp"

#include "tests/host/order/together.hpp"

#include <gtest/gtest.h>

namespace chorale {
namespace {

constexpr std::chrono::milliseconds test_time{300};
constexpr unsigned cpus = 3;

struct Account {
    u64 entries{}, sum{};
};

TEST(LockOrder, OneHolderSeesWhatTheLastOneDid) {
    Guarded<Rank::names, Account> account;
    test::Together together{cpus};
    together.run(test_time, [&](CpuIndex cpu, u64) {
        for (unsigned i = 0; i < 20; ++i) {
            account.with([&](Account& all) {
                ++all.entries;
                all.sum += cpu;
            });
        }
    });
    account.with([&](Account& all) {
        EXPECT_EQ(all.entries, together.rounds() * cpus * 20);
        EXPECT_EQ(all.sum, together.rounds() * 20 * (cpus * (cpus - 1) / 2));
    });
}

// What was written before the lock was taken is there for whoever learns of it under the lock.
TEST(LockOrder, WhatCameBeforeIsSeenByWhomTheLockTells) {
    Guarded<Rank::names, u64> published;
    u64 letter = 0;
    std::atomic<u64> wrong{0};
    test::Together together{2};
    together.run(test_time, [&](CpuIndex cpu, u64 round) {
        test::dawdle(round + cpu);
        if (cpu == 0) {
            letter = round;
            published.with([&](u64& to) { to = round; });
        } else if (published.with([&](const u64& to) { return to; }) == round && letter != round) {
            wrong.fetch_add(1);
        }
    });
    EXPECT_EQ(wrong.load(), 0u);
}

} // namespace
} // namespace chorale
