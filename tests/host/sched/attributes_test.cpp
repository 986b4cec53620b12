// Scheduling parameters: what threadScheduler and threadCreate take, and what is told of a thread.
#include "kernel/sched/attributes.hpp"

#include <gtest/gtest.h>

namespace chorale {
namespace {

constexpr u64 second = 1'000'000'000, millisecond = 1'000'000;

[[nodiscard]] Result<Attributes> of(u32 scheduling_class, u32 priority, long seconds = 0, long rest = 0) {
    KnThreadDefSched parameters{};
    parameters.tdClass = static_cast<decltype(parameters.tdClass)>(scheduling_class);
    parameters.tdPriority = priority;
    parameters.tdQuantum = {seconds, rest};
    return attributes_from(parameters);
}

TEST(Attributes, priorities_of_each_class) {
    for (const u32 wanted : {u32{K_SCHED_FIFO}, u32{K_SCHED_RR}}) {
        const u32 worst = wanted == K_SCHED_FIFO ? K_FIFO_PRIOMIN : K_RR_PRIOMIN;
        EXPECT_EQ(of(wanted, 0).value().priority, 0);
        EXPECT_EQ(of(wanted, worst).value().priority, worst);
        EXPECT_EQ(of(wanted, worst + 1).status(), Status::invalid);
    }
    EXPECT_EQ(of(K_SCHED_FIFO, 5).value().quantum, 0u);
    EXPECT_EQ(of(K_SCHED_RR, 5).value().quantum, K_RR_QUANTUM * millisecond);
    EXPECT_EQ(of(77, 5).status(), Status::invalid);
}

// The better, the larger the number, and the shorter the quantum that nobody has chosen.
TEST(Attributes, real_time) {
    EXPECT_EQ(of(K_SCHED_RT, K_RT_PRIOMAX + 1).status(), Status::invalid);
    if (K_RT_PRIOMIN > 0) EXPECT_EQ(of(K_SCHED_RT, K_RT_PRIOMIN - 1).status(), Status::invalid);
    const Attributes worst = of(K_SCHED_RT, K_RT_PRIOMIN).value(),
                     best = of(K_SCHED_RT, K_RT_PRIOMAX).value();
    EXPECT_EQ(worst.priority - best.priority, K_RT_PRIOMAX - K_RT_PRIOMIN);
    EXPECT_EQ(worst.quantum, second);
    EXPECT_EQ(best.quantum, 100 * millisecond);
    EXPECT_EQ(of(K_SCHED_RT, K_RT_PRIOMIN, 2, 5).value().quantum, 2 * second + 5);
    for (const auto& [seconds, rest] : {std::pair{-1L, 0L}, {0L, -1L}, {0L, long{second}}})
        EXPECT_EQ(of(K_SCHED_RT, K_RT_PRIOMIN, seconds, rest).status(), Status::invalid);
    // However long: sums with the time of day stay in range.
    const u64 longest = of(K_SCHED_RT, K_RT_PRIOMIN, ~0UL >> 1).value().quantum;
    EXPECT_LE(longest, ~u64{0} / 4);
    EXPECT_EQ(of(K_SCHED_RT, K_RT_PRIOMIN, 1'000'000).value().quantum, longest);
    EXPECT_LT(of(K_SCHED_RT, K_RT_PRIOMIN, 999'999, 999'999'999).value().quantum, longest);
}

TEST(Attributes, are_told_as_they_were_given) {
    const KnThreadDefSched told = parameters_from(of(K_SCHED_RT, K_RT_PRIOMIN + 3, 4, 5).value());
    EXPECT_EQ(told.tdClass, K_SCHED_RT);
    EXPECT_EQ(told.tdPriority, K_RT_PRIOMIN + 3u);
    EXPECT_EQ(told.tdQuantum.tmSec, 4);
    EXPECT_EQ(told.tdQuantum.tmNSec, 5);
    const KnThreadDefSched fifo = parameters_from(of(K_SCHED_FIFO, 200, 4, 5).value());
    EXPECT_EQ(fifo.tdPriority, 200u);
    EXPECT_EQ(fifo.tdQuantum.tmSec, 0);
    EXPECT_LT(parameters_size(K_SCHED_FIFO), parameters_size(K_SCHED_RT));
}

} // namespace
} // namespace chorale
