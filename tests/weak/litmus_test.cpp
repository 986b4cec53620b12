// Litmus tests: what C++ allows is found, what it forbids is never seen. The names are those of the
// literature.
#include "tests/weak/explore.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace chorale::weak::test {
namespace {

using Atomic = std::atomic<unsigned>;
using enum std::memory_order;

// Store buffering (SB): each CPU stores to one location and loads the other. Both may see 0 unless a
// sequentially consistent order lies between.
template <std::memory_order Store, std::memory_order Load, std::memory_order Fence = relaxed>
struct StoreBuffering {
    static constexpr unsigned cpus = 2;
    Atomic x[2]{};
    unsigned seen[2]{};

    void run(unsigned cpu) {
        x[cpu].store(1, Store);
        if constexpr (Fence != relaxed) std::atomic_thread_fence(Fence);
        seen[cpu] = x[1 - cpu].load(Load);
    }
    [[nodiscard]] unsigned outcome() const { return 10 * seen[0] + seen[1]; }
};

TEST(StoreBuffering, BothMissTheOthersStore) {
    EXPECT_TRUE((explore<StoreBuffering<relaxed, relaxed>>().seen(00)));
    EXPECT_TRUE((explore<StoreBuffering<release, acquire>>().seen(00)));
    EXPECT_TRUE((explore<StoreBuffering<release, acquire, acq_rel>>().seen(00)));
    EXPECT_TRUE((explore<StoreBuffering<seq_cst, acquire>>().seen(00)));
    EXPECT_TRUE((explore<StoreBuffering<release, seq_cst>>().seen(00)));
}

template <class Program>
void expect_sequential() {
    const Outcomes outcomes = explore<Program>();
    EXPECT_FALSE(outcomes.seen(00));
    EXPECT_TRUE(outcomes.seen(01) && outcomes.seen(10) && outcomes.seen(11));
}

TEST(StoreBuffering, NotAcrossSequentialConsistency) {
    expect_sequential<StoreBuffering<seq_cst, seq_cst>>();
    expect_sequential<StoreBuffering<relaxed, relaxed, seq_cst>>();
}

// One CPU with a fence, the other with sequentially consistent operations: x, fence, y against y, x.
struct FenceAgainstOperations {
    static constexpr unsigned cpus = 2;
    Atomic x{}, y{};
    unsigned seen[2]{};

    void run(unsigned cpu) {
        if (cpu == 0) {
            x.store(1, relaxed); // in the sequential order by the fence, as is the load
            std::atomic_thread_fence(seq_cst);
            seen[0] = y.load(relaxed);
        } else {
            y.store(1, seq_cst);
            seen[1] = x.load(seq_cst);
        }
    }
    [[nodiscard]] unsigned outcome() const { return 10 * seen[0] + seen[1]; }
};

TEST(StoreBuffering, FencesAndOperationsAreInOneOrder) { expect_sequential<FenceAgainstOperations>(); }

// With read-modify-writes as the stores (R. Russell's fetch-and-add): these alone do not help.
template <std::memory_order Order>
struct ExchangeBuffering {
    static constexpr unsigned cpus = 2;
    Atomic x[2]{};
    unsigned seen[2]{};

    void run(unsigned cpu) {
        x[cpu].exchange(1, Order);
        seen[cpu] = x[1 - cpu].load(Order == seq_cst ? seq_cst : relaxed);
    }
    [[nodiscard]] unsigned outcome() const { return 10 * seen[0] + seen[1]; }
};

TEST(StoreBuffering, ExchangesAreNoFences) {
    EXPECT_TRUE((explore<ExchangeBuffering<acq_rel>>().seen(00)));
    expect_sequential<ExchangeBuffering<seq_cst>>();
}

// Message passing (MP): data, then a flag; who sees the flag must see the data. Outcome: flag, data.
template <std::memory_order Store, std::memory_order Load, bool Fences = false>
struct MessagePassing {
    static constexpr unsigned cpus = 2;
    Atomic data{}, flag{};
    unsigned seen[2]{};

    void run(unsigned cpu) {
        if (cpu == 0) {
            data.store(1, relaxed); // published by the flag, if at all
            if constexpr (Fences) std::atomic_thread_fence(release);
            flag.store(1, Store);
        } else {
            seen[0] = flag.load(Load);
            if constexpr (Fences) std::atomic_thread_fence(acquire);
            seen[1] = data.load(relaxed); // acquired with the flag, if at all
        }
    }
    [[nodiscard]] unsigned outcome() const { return 10 * seen[0] + seen[1]; }
};

TEST(MessagePassing, RelaxedSeesOldData) {
    EXPECT_TRUE((explore<MessagePassing<relaxed, relaxed>>().seen(10)));
    EXPECT_TRUE((explore<MessagePassing<release, relaxed>>().seen(10)));
    EXPECT_TRUE((explore<MessagePassing<relaxed, acquire>>().seen(10)));
}

TEST(MessagePassing, ReleaseAndAcquireDoNot) {
    const Outcomes by_operations = explore<MessagePassing<release, acquire>>();
    EXPECT_FALSE(by_operations.seen(10));
    EXPECT_TRUE(by_operations.seen(11) && by_operations.seen(00) && by_operations.seen(01));
    const Outcomes by_fences = explore<MessagePassing<relaxed, relaxed, true>>();
    EXPECT_FALSE(by_fences.seen(10));
    EXPECT_TRUE(by_fences.seen(11));
}

// Independent reads of independent writes (IRIW): two CPUs may disagree on the order of two stores.
template <std::memory_order Store, std::memory_order Load>
struct IndependentReads {
    static constexpr unsigned cpus = 4;
    Atomic x[2]{};
    unsigned seen[4]{};

    void run(unsigned cpu) {
        if (cpu < 2) {
            x[cpu].store(1, Store);
        } else {
            const unsigned first = cpu - 2;
            seen[2 * first] = x[first].load(Load);
            seen[2 * first + 1] = x[1 - first].load(Load);
        }
    }
    [[nodiscard]] unsigned outcome() const { return 1000 * seen[0] + 100 * seen[1] + 10 * seen[2] + seen[3]; }
};

TEST(IndependentReads, DisagreeUnlessSequential) {
    EXPECT_TRUE((explore<IndependentReads<release, acquire>>().seen(1010)));
    const Outcomes sequential = explore<IndependentReads<seq_cst, seq_cst>>();
    EXPECT_FALSE(sequential.seen(1010));
    EXPECT_TRUE(sequential.seen(1011));
}

// Write to read causality (WRC): what the second CPU saw and passed on, the third sees.
template <std::memory_order Store, std::memory_order Load>
struct Causality {
    static constexpr unsigned cpus = 3;
    Atomic x{}, y{};
    unsigned seen[3]{};

    void run(unsigned cpu) {
        if (cpu == 0) {
            x.store(1, relaxed); // seen by CPU 1, which passes it on
        } else if (cpu == 1) {
            seen[0] = x.load(relaxed); // passed on by the store
            y.store(1, Store);
        } else {
            seen[1] = y.load(Load);
            seen[2] = x.load(relaxed); // of interest if the load above synchronised
        }
    }
    [[nodiscard]] unsigned outcome() const { return 100 * seen[0] + 10 * seen[1] + seen[2]; }
};

TEST(Causality, WhatWasSeenIsPassedOn) {
    EXPECT_FALSE((explore<Causality<release, acquire>>().seen(110)));
    EXPECT_TRUE((explore<Causality<relaxed, relaxed>>().seen(110)));
}

// Coherence (CoRR): two loads of one location never go back.
struct Coherence {
    static constexpr unsigned cpus = 3;
    Atomic x{};
    unsigned seen[3]{};

    void run(unsigned cpu) {
        if (cpu == 0) {
            for (unsigned value = 1; value <= 4; ++value) x.store(value, relaxed); // order of one location
        } else if (cpu == 1) {
            for (unsigned& each : seen) each = x.load(relaxed); // as above
        } else {
            x.load(relaxed); // another reader does not disturb
        }
    }
    [[nodiscard]] unsigned outcome() const { return 100 * seen[0] + 10 * seen[1] + seen[2]; }
};

TEST(Coherence, LoadsOfOneLocationDoNotGoBack) {
    const Outcomes outcomes = explore<Coherence>();
    for (const auto& [outcome, count] : outcomes.count) {
        EXPECT_LE(outcome / 100, outcome / 10 % 10) << outcome;
        EXPECT_LE(outcome / 10 % 10, outcome % 10) << outcome;
    }
    EXPECT_GT(outcomes.count.size(), 12u);
}

// A CPU sees its own stores, and what it has seen is not taken back by a read-modify-write.
struct OwnStores {
    static constexpr unsigned cpus = 2;
    Atomic x{};
    unsigned wrong[2]{};

    void run(unsigned cpu) {
        x.fetch_add(1, relaxed); // coherence alone
        const unsigned sum = x.load(relaxed);
        const unsigned before = x.fetch_add(1, relaxed); // as above
        wrong[cpu] = sum < 1 || before < sum || x.load(relaxed) <= before;
    }
    [[nodiscard]] unsigned outcome() const { return 10 * wrong[0] + wrong[1]; }
};

TEST(Coherence, ACpuSeesItsOwnStores) {
    EXPECT_EQ(explore<OwnStores>().count, (std::map<unsigned, unsigned>{{0, usual_runs}}));
}

// Release sequence: a read-modify-write by another CPU passes on what the release before it published; a
// plain atomic store does not. Outcome: value seen, data.
template <bool Modify>
struct ReleaseSequence {
    static constexpr unsigned cpus = 3;
    Atomic data{}, flag{};
    unsigned seen[2]{};

    void run(unsigned cpu) {
        if (cpu == 0) {
            data.store(1, relaxed); // published by the next line
            flag.store(1, release); // read by CPU 2, directly or from the sequence
        } else if (cpu == 1) {
            if constexpr (Modify) {
                flag.fetch_add(2, relaxed); // continues the sequence
            } else if (flag.load(relaxed) == 1) {
                flag.store(3, relaxed); // ends it
            }
        } else {
            seen[0] = flag.load(acquire); // pairs with CPU 0's release
            seen[1] = data.load(relaxed); // ordered by the acquire
        }
    }
    [[nodiscard]] unsigned outcome() const { return 10 * seen[0] + seen[1]; }
};

TEST(ReleaseSequence, GoesThroughReadModifyWrites) {
    const Outcomes outcomes = explore<ReleaseSequence<true>>();
    EXPECT_TRUE(outcomes.seen(31));
    EXPECT_FALSE(outcomes.seen(30));
    EXPECT_FALSE(outcomes.seen(10));
    EXPECT_TRUE(outcomes.seen(20)) << "the addition came before the release";
}

TEST(ReleaseSequence, EndsAtAnotherStore) { EXPECT_TRUE(explore<ReleaseSequence<false>>().seen(30)); }

// Increments are not lost, by fetch_add or by compare_exchange.
template <bool Exchange>
struct Increments {
    static constexpr unsigned cpus = 3, each = 5;
    Atomic count{};

    void run(unsigned) {
        for (unsigned i = 0; i < each; ++i) {
            if constexpr (Exchange) {
                unsigned old = count.load(relaxed); // a guess, checked by the exchange
                while (!count.compare_exchange_weak(old, old + 1, relaxed)) {
                }
            } else {
                count.fetch_add(1, relaxed); // only the sum matters
            }
        }
    }
    [[nodiscard]] unsigned outcome() const { return count.load(); }
};

TEST(ReadModifyWrite, LosesNothing) {
    EXPECT_EQ((explore<Increments<false>>(500).count), (std::map<unsigned, unsigned>{{15, 500}}));
    EXPECT_EQ((explore<Increments<true>>(500).count), (std::map<unsigned, unsigned>{{15, 500}}));
}

// A compare_exchange may fail on an old value, though the newest is the expected one.
struct OldFailure {
    static constexpr unsigned cpus = 2;
    Atomic x{}, stored{};
    unsigned seen = 9;

    void run(unsigned cpu) {
        if (cpu == 0) {
            x.store(1, relaxed);      // not ordered with the next
            stored.store(1, relaxed); // so this may be seen first
        } else if (stored.load(relaxed) == 1) {
            unsigned expected = 1;
            seen = x.compare_exchange_strong(expected, 2, relaxed) ? 2 : expected;
        }
    }
    [[nodiscard]] unsigned outcome() const { return seen; }
};

TEST(ReadModifyWrite, FailsOnAnOldValue) {
    const Outcomes outcomes = explore<OldFailure>();
    EXPECT_TRUE(outcomes.seen(0));
    EXPECT_TRUE(outcomes.seen(2));
    EXPECT_FALSE(outcomes.seen(1)) << "failed on the expected value";
}

// Load buffering (LB): C++ allows both to see 1. The model has no loads of stores that come later; if this
// test fails, it has learnt to, and weak.hpp must say so.
struct LoadBuffering {
    static constexpr unsigned cpus = 2;
    Atomic x[2]{};
    unsigned seen[2]{};

    void run(unsigned cpu) {
        seen[cpu] = x[cpu].load(relaxed); // nothing is ordered
        x[1 - cpu].store(1, relaxed);
    }
    [[nodiscard]] unsigned outcome() const { return 10 * seen[0] + seen[1]; }
};

TEST(LoadBuffering, IsNotModelled) { EXPECT_FALSE(explore<LoadBuffering>().seen(11)); }

// Dekker's mutual exclusion, one attempt: the race detector, too, tells whether both got in.
template <bool Fence>
struct Dekker {
    static constexpr unsigned cpus = 2;
    Atomic wants[2]{};
    unsigned entries = 0;

    void run(unsigned cpu) {
        wants[cpu].store(1, relaxed); // ordered by the fence, or not
        if constexpr (Fence) std::atomic_thread_fence(seq_cst);
        if (wants[1 - cpu].load(relaxed) == 0) ++entries;
    }
    [[nodiscard]] unsigned outcome() const { return entries; }
};

TEST(Dekker, NeedsItsFence) {
    const Outcomes without = explore<Dekker<false>>();
    EXPECT_TRUE(without.seen(2));
    EXPECT_EQ(without.racing, without.count.at(2));
    const Outcomes with = explore<Dekker<true>>();
    EXPECT_FALSE(with.seen(2));
    EXPECT_TRUE(with.seen(1));
    EXPECT_EQ(with.racing, 0u);
}

// Fences order loads and stores of atomics, but two of them alone make no plain access safe.
struct FencesAlone {
    static constexpr unsigned cpus = 2;
    Atomic x{};
    unsigned data = 0, seen = 0;

    void run(unsigned cpu) {
        if (cpu == 0) data = 1;
        std::atomic_thread_fence(seq_cst);
        if (cpu == 1) seen = data;
    }
    [[nodiscard]] unsigned outcome() const { return seen; }
};

TEST(Fences, DoNotSynchroniseByThemselves) { EXPECT_EQ(explore<FencesAlone>().racing, usual_runs); }

} // namespace
} // namespace chorale::weak::test
