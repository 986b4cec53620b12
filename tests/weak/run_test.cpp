// The machine around the model: runs that replay, old values that end, doorbells, what the operations
// compute.
#include "tests/weak/explore.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <limits>
#include <set>
#include <span>

// As the compiler would call it for a 16-byte compare_exchange that the target has.
__extension__ using Wide = unsigned __int128;
extern "C" Wide __tsan_atomic128_compare_exchange_val(volatile Wide*, Wide, Wide, int, int);

namespace chorale::weak::test {
namespace {

using enum std::memory_order;

// Some traffic: three CPUs pass a counter around and read each other's words.
struct Traffic {
    std::atomic<unsigned> turn{}, words[3]{};
    unsigned plain = 0;

    std::function<void()> cpu(unsigned self) {
        return [this, self] {
            for (unsigned round = 0; round < 20; ++round) {
                words[self].store(round, relaxed); // nothing is ordered here
                for (const auto& word : words) static_cast<void>(word.load(relaxed)); // as above
                turn.fetch_add(1, acq_rel);                                           // with itself
                plain = round;
            }
        };
    }
};

TEST(Run, ReplaysFromItsSeed) {
    // The same memory each time: addresses are part of the hash.
    alignas(64) static std::byte memory[sizeof(Traffic)];
    std::set<std::uint64_t> hashes;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        Result results[2];
        for (Result& result : results) {
            auto& traffic = *new (memory) Traffic;
            result = run({.seed = seed}, {traffic.cpu(0), traffic.cpu(1), traffic.cpu(2)});
        }
        EXPECT_EQ(results[0].hash, results[1].hash);
        EXPECT_EQ(results[0].races.size(), results[1].races.size());
        EXPECT_GT(results[0].stale, 0u);
        hashes.insert(results[0].hash);
    }
    EXPECT_EQ(hashes.size(), 50u);
}

TEST(Fairness, AWaiterSeesTheStoreInTheEnd) {
    std::atomic<bool> flag{};
    unsigned rounds = 0;
    // Old values whenever there are any.
    const Plan plan{.olds = 1};
    const auto waiter = [&] {
        while (!flag.load(relaxed) && !over()) yield(); // nothing comes with the flag
        rounds = 1;
    };
    const Result result = run(plan, {[&] { flag.store(true, relaxed); }, waiter});
    EXPECT_FALSE(result.stuck);
    EXPECT_EQ(rounds, 1u);
}

// How often in a row, and for how long, an old value is seen.
TEST(Fairness, BoundsAreThoseOfTheOptions) {
    std::atomic<unsigned> word{}, other{};
    unsigned in_a_row = 0, after_others = 0;
    const auto reads_until_new = [&] {
        unsigned reads = 0;
        while (word.load(relaxed) == 0) ++reads; // nothing comes with it
        return reads;
    };
    const auto reader = [&](unsigned others) {
        return [&, others] {
            while (other.load(relaxed) == 0) yield();                          // makes the store come first
            for (unsigned i = 0; i < others; ++i) other.fetch_add(1, relaxed); // time passes
            (others == 0 ? in_a_row : after_others) = reads_until_new();
        };
    };
    const auto writer = [&] {
        word.store(1, relaxed);  // these two may be seen in either order
        other.store(1, relaxed); // as said
    };
    install({.stale_reads = 5, .stale_age = 100, .trace = true});
    run({.olds = 1}, {writer, reader(0)});
    EXPECT_EQ(in_a_row, 5u);
    word = other = 0;
    run({.olds = 1}, {writer, reader(200)});
    EXPECT_EQ(after_others, 0u);
    install(usual_options);
}

// Rings CPU 1 after writing; without the ring the reads of CPU 1 would race and see old values.
TEST(Doorbell, WhatWasDoneBeforeTheRingIsSeen) {
    for (const bool rings : {true, false}) {
        unsigned data = 0, seen = 0;
        std::atomic<unsigned> word{};
        unsigned seen_word = 0, races = 0, olds = 0;
        for (std::uint64_t seed = 1; seed <= 200; ++seed) {
            bool rung = false;
            data = 0;
            word = 0;
            const auto writer = [&] {
                data = 1;
                word.store(1, relaxed); // before the ring
                const Outside outside;
                if (rings) ring(0, 1);
                rung = true;
            };
            const auto handler = [&] {
                for (bool go = false; !go;) {
                    yield();
                    const Outside outside;
                    go = rung;
                }
                {
                    const Outside outside;
                    deliver(1);
                }
                seen = data;
                seen_word = word.load(relaxed); // after the delivery
            };
            const Result result = run({.seed = seed, .olds = 1}, {writer, handler});
            races += !result.races.empty();
            olds += seen_word == 0;
        }
        EXPECT_EQ(races, rings ? 0u : 200u);
        EXPECT_EQ(olds, rings ? 0u : 200u);
        EXPECT_EQ(seen, 1u);
    }
}

TEST(Doorbell, WhatIsDoneAfterTheRingMayBeMissed) {
    std::atomic<unsigned> before{}, after{};
    unsigned seen_before = 9, seen_after = 9;
    bool stored = false;
    const auto writer = [&] {
        before.store(1, relaxed); // before the ring
        {
            const Outside outside;
            ring(0, 1);
        }
        after.store(1, relaxed); // after it
        const Outside outside;
        stored = true;
    };
    const auto handler = [&] {
        for (bool go = false; !go;) {
            yield();
            const Outside outside;
            go = stored;
            if (go) deliver(1);
        }
        seen_before = before.load(relaxed); // ordered by the delivery
        seen_after = after.load(relaxed);   // not ordered
    };
    run({.olds = 1}, {writer, handler});
    EXPECT_EQ(seen_before, 1u);
    EXPECT_EQ(seen_after, 0u);
}

TEST(Drain, EndsOldValues) {
    std::atomic<unsigned> word{}, stored{};
    unsigned seen = 0;
    for (const bool drained : {true, false}) {
        word = stored = 0;
        const auto writer = [&] {
            word.store(1, relaxed); // not ordered with the next
            stored = 1;
            while (stored != 2) yield();
        };
        const auto reader = [&] {
            while (stored.load(relaxed) == 0) yield(); // orders nothing
            if (drained) {
                const Outside outside;
                drain(1);
            }
            seen = word.load(relaxed); // ordered by the drain alone
            stored = 2;
        };
        run({.olds = 1}, {writer, reader});
        EXPECT_EQ(seen, drained ? 1u : 0u);
    }
}

TEST(Synchronise, OrdersPlainAccesses) {
    unsigned word = 0;
    bool written = false;
    const auto reader = [&](bool ordered) {
        return [&, ordered] {
            for (bool go = false; !go;) {
                yield();
                const Outside outside;
                go = written;
            }
            if (ordered) {
                const Outside outside;
                synchronise(0, 1);
            }
            word = 2;
        };
    };
    const auto writer = [&] {
        word = 1;
        const Outside outside;
        written = true;
    };
    EXPECT_TRUE(run({}, {writer, reader(true)}).races.empty());
    written = false;
    EXPECT_EQ(run({}, {writer, reader(false)}).races.size(), 1u);
}

// The same bytes as one word and as two halves: no old values, but the right ones.
TEST(Sizes, MixedActOnMemory) {
    union {
        std::uint64_t whole;
        std::uint32_t half[2];
    } word{};
    bool wrong = false;
    const auto halves = [&] {
        for (unsigned i = 0; i < 10; ++i) std::atomic_ref{word.half[0]}.fetch_add(1, relaxed); // own size
    };
    const auto wholes = [&] {
        std::uint64_t last = 0;
        for (unsigned i = 0; i < 10; ++i) {
            const std::uint64_t now = std::atomic_ref{word.whole}.load(relaxed); // coherence alone
            wrong |= now < last;
            last = now;
        }
    };
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        word.whole = 0;
        run({.seed = seed}, {halves, wholes});
        EXPECT_EQ(word.half[0], 10u);
    }
    EXPECT_FALSE(wrong);
}

// Released as a half, acquired as a whole.
TEST(Sizes, MixedOrderEverything) {
    union {
        std::uint64_t whole;
        std::uint32_t half[2];
    } word{};
    unsigned data = 0, seen = 0;
    const auto writer = [&] {
        data = 1;
        std::atomic_ref{word.half[1]}.store(1, release); // pairs with the acquire below
    };
    const auto reader = [&] {
        while (std::atomic_ref{word.whole}.load(acquire) == 0) yield(); // pairs with the release above
        seen = data;
    };
    EXPECT_TRUE(run({}, {writer, reader}).races.empty());
    EXPECT_EQ(seen, 1u);
}

// Memory that was atomic in one size is written plainly and is then atomic in another: as weak as any. On the
// CPU's own stack, where plain accesses are not looked at, too.
struct Reused {
    std::atomic<bool> ready{}, over{};
    std::atomic<std::uint64_t>* shared = nullptr;
    std::uint64_t seen = 9;

    void reuse(void* memory) {
        for (unsigned i = 0; i < 2; ++i) {
            auto* const half = new (static_cast<std::byte*>(memory) + 4 * i) std::atomic<std::uint32_t>{1};
            half->fetch_add(1, relaxed); // nobody else knows it
        }
        shared = new (memory) std::atomic<std::uint64_t>{5};
        ready.store(true, release);          // pairs with the acquire in read()
        shared->store(6, relaxed);           // may be missed
        while (!over.load(acquire)) yield(); // pairs with the release in read()
    }
    void read() {
        while (!ready.load(acquire)) yield(); // pairs with the release in reuse()
        for (unsigned i = 0; i < 10; ++i) yield();
        seen = shared->load(relaxed); // of interest is what it misses
        over.store(true, release);    // pairs with the acquire in reuse()
    }
};

TEST(Sizes, APlainWriteStartsAnew) {
    for (const bool on_stack : {false, true}) {
        alignas(8) std::byte here[8];
        Reused reused;
        const auto owner = [&] {
            alignas(8) std::byte there[8];
            reused.reuse(on_stack ? there : here);
        };
        const Result result = run({.olds = 1}, {owner, [&] { reused.read(); }});
        EXPECT_TRUE(result.races.empty());
        EXPECT_EQ(reused.seen, 5u);
    }
}

// A device, or the simulator itself.
TEST(Run, WhatOthersWriteIsSeenByAll) {
    std::atomic<unsigned> word{};
    unsigned seen = 0;
    const auto poke = [&] {
        word.store(1, relaxed); // there is an old value now
        const Outside outside;
        word.store(5, relaxed); // not by this CPU
    };
    const auto look = [&] {
        for (unsigned i = 0; i < 20; ++i) yield();
        seen = word.load(relaxed); // by whomever
    };
    run({.olds = 1}, {poke, look});
    EXPECT_EQ(seen, 5u);
}

TEST(Sizes, NeighboursInAGranuleAreApart) {
    alignas(8) std::uint8_t bytes[8]{};
    const auto add = [&](unsigned cpu) {
        return [&, cpu] {
            for (unsigned i = 0; i < 50; ++i) {
                std::atomic_ref{bytes[2 * cpu]}.fetch_add(1, relaxed); // only the sum matters
                std::atomic_ref{bytes[7]}.fetch_add(1, relaxed);       // as above
            }
        };
    };
    const Result result = run({}, {add(0), add(1), add(2)});
    EXPECT_TRUE(result.races.empty());
    EXPECT_EQ(bytes[0] + bytes[2] + bytes[4], 150);
    EXPECT_EQ(bytes[7], 150);
    EXPECT_EQ(bytes[1] + bytes[3] + bytes[5] + bytes[6], 0);
}

template <class T>
void expect_arithmetic() {
    constexpr T high = std::numeric_limits<T>::max();
    T results[8]{};
    std::atomic<T> word{high};
    bool exchanged[2]{};
    const auto operations = [&] {
        results[0] = word.fetch_add(3);
        results[1] = word.fetch_sub(4);
        results[2] = word.fetch_and(T{0x5a});
        results[3] = word.fetch_or(T{0x21});
        results[4] = word.fetch_xor(T{0x0f});
        results[5] = word.exchange(T{7});
        T expected = 8;
        exchanged[0] = word.compare_exchange_strong(expected, T{9});
        results[6] = expected;
        exchanged[1] = word.compare_exchange_weak(expected, T{9});
        results[7] = word.load();
    };
    run({}, {operations});
    const T wanted[8] = {high, 2, static_cast<T>(-2), 0x5a, 0x7b, 0x74, 7, 9};
    EXPECT_TRUE(std::ranges::equal(results, wanted)) << sizeof(T);
    EXPECT_FALSE(exchanged[0]);
    EXPECT_TRUE(exchanged[1]);
    EXPECT_EQ(word.load(), 9u);
}

TEST(Operations, ComputeWhatTheyShould) {
    expect_arithmetic<std::uint8_t>();
    expect_arithmetic<std::uint16_t>();
    expect_arithmetic<std::uint32_t>();
    expect_arithmetic<std::uint64_t>();
}

TEST(Operations, OfSixteenBytesActOnMemory) {
    alignas(16) Wide word = 1;
    unsigned data = 0, seen = 0;
    const auto writer = [&] {
        data = 1;
        __tsan_atomic128_compare_exchange_val(&word, 1, Wide{1} << 100, 0, 0);
    };
    const auto reader = [&] {
        while (__tsan_atomic128_compare_exchange_val(&word, Wide{1} << 100, 3, 0, 0) != Wide{1} << 100)
            yield();
        seen = data;
    };
    EXPECT_TRUE(run({}, {writer, reader}).races.empty());
    EXPECT_TRUE(word == 3);
    EXPECT_EQ(seen, 1u);
}

} // namespace
} // namespace chorale::weak::test
