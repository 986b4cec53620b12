// The race detector: what it must find, and what it must leave alone.
#include "tests/weak/explore.hpp"

#include "kernel/base/spin_lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <set>
#include <utility>

namespace chorale::weak::test {
namespace {

using enum std::memory_order;

std::uintptr_t address_of(const void* pointer) { return std::bit_cast<std::uintptr_t>(pointer); }

// Whichever is executed first, the races are the same.
Result run_both(const std::function<void()>& first, const std::function<void()>& second) {
    Result result = run({.seed = 1}, {first, second});
    for (std::uint64_t seed = 2; seed <= 20; ++seed) {
        EXPECT_EQ(run({.seed = seed}, {first, second}).races.size(), result.races.size());
    }
    return result;
}

// A message in plain memory.
template <std::memory_order Store, std::memory_order Load, bool Fences = false>
struct Message {
    static constexpr unsigned cpus = 2;
    alignas(8) std::uint32_t data = 0, other = 0;
    std::atomic<bool> flag{};
    unsigned seen = 9;

    void run(unsigned cpu) {
        if (cpu == 0) {
            other = 1;
            data = 1;
            if constexpr (Fences) std::atomic_thread_fence(release);
            flag.store(true, Store);
        } else if (flag.load(Load)) {
            if constexpr (Fences) std::atomic_thread_fence(acquire);
            seen = data;
        }
    }
    [[nodiscard]] unsigned outcome() const { return seen; }
};

TEST(Race, InAMessageThatIsNotReleased) {
    for (const Outcomes& outcomes :
         {explore<Message<relaxed, relaxed>>(), explore<Message<release, relaxed>>(),
          explore<Message<relaxed, acquire>>()}) {
        ASSERT_GT(outcomes.racing, 0u);
        EXPECT_EQ(outcomes.racing, outcomes.count.at(1)) << "whenever the message was read";
        const Race& race = outcomes.race;
        EXPECT_EQ(race.earlier.cpu, 0u);
        EXPECT_EQ(race.earlier.access, Access::write);
        EXPECT_EQ(race.later.cpu, 1u);
        EXPECT_EQ(race.later.access, Access::read);
        EXPECT_EQ(race.earlier.address, race.later.address);
        EXPECT_EQ(race.earlier.size, 4u);
        EXPECT_EQ(race.later.size, 4u);
    }
}

TEST(Race, NotInOneThatIs) {
    const Outcomes by_operations = explore<Message<release, acquire>>();
    EXPECT_TRUE(by_operations.seen(1));
    EXPECT_EQ(by_operations.racing, 0u);
    const Outcomes by_fences = explore<Message<relaxed, relaxed, true>>();
    EXPECT_TRUE(by_fences.seen(1));
    EXPECT_EQ(by_fences.racing, 0u);
}

[[gnu::noinline]] void write_first(unsigned& word) { word = 1; }
[[gnu::noinline]] void write_second(unsigned& word) { word = 2; }

// Whether the address is in the function, which is not long.
bool within(std::uintptr_t pc, void (*function)(unsigned&)) {
    const auto start = std::bit_cast<std::uintptr_t>(function);
    return pc > start && pc - start < 64;
}

TEST(Race, NamesBothPlacesInTheCode) {
    unsigned word = 0;
    const Result result = run_both([&] { write_first(word); }, [&] { write_second(word); });
    ASSERT_EQ(result.races.size(), 1u);
    const auto& [earlier, later] = result.races[0];
    EXPECT_EQ(earlier.address, address_of(&word));
    EXPECT_NE(earlier.cpu, later.cpu);
    EXPECT_TRUE(within(earlier.cpu == 0 ? earlier.pc : later.pc, write_first));
    EXPECT_TRUE(within(earlier.cpu == 0 ? later.pc : earlier.pc, write_second));
}

TEST(Race, IsOfBytesNotOfWords) {
    alignas(8) std::uint8_t bytes[8]{};
    EXPECT_TRUE(run_both([&] { bytes[2] = 1; }, [&] { bytes[3] = 1; }).races.empty());
    const Result result = run_both([&] { bytes[6] = 1; }, [&] { std::memset(bytes + 4, 0, 4); });
    ASSERT_EQ(result.races.size(), 1u);
    const Race& race = result.races[0];
    const Party& single = race.earlier.cpu == 0 ? race.earlier : race.later;
    const Party& range = race.earlier.cpu == 0 ? race.later : race.earlier;
    EXPECT_EQ(single.address, address_of(bytes + 6));
    EXPECT_EQ(single.size, 1u);
    EXPECT_EQ(range.address, address_of(bytes + 4));
    EXPECT_EQ(range.size, 4u);
}

TEST(Race, IsNotBetweenReaders) {
    unsigned word = 3, sum[3]{};
    const auto reader = [&](unsigned cpu) { return [&, cpu] { sum[cpu] = word; }; };
    EXPECT_TRUE(run({}, {reader(0), reader(1), reader(2)}).races.empty());
    EXPECT_EQ(run({}, {reader(0), reader(1), [&] { word = 4; }}).races.size(), 2u)
        << "a write races with each of two readers, whichever comes first";
}

struct [[gnu::packed]] Unaligned {
    std::uint8_t first;
    std::uint64_t second;
};

TEST(Race, IsFoundAcrossGranulesAndInCopies) {
    alignas(8) Unaligned odd{};
    EXPECT_FALSE(run_both([&] { odd.second = 1; }, [&] { odd.second = 2; }).races.empty());
    struct Block {
        std::uint8_t bytes[64];
    };
    alignas(8) Block from{}, to{};
    std::uint8_t last = 0;
    EXPECT_EQ(run_both([&] { to = from; }, [&] { last = to.bytes[63]; }).races.size(), 1u);
    EXPECT_EQ(run_both([&] { to = from; }, [&] { from.bytes[0] = 1; }).races.size(), 1u);
    EXPECT_TRUE(run_both([&] { to = from; }, [&] { last = from.bytes[0]; }).races.empty());
}

TEST(Race, IsBetweenAtomicAndPlainToo) {
    alignas(8) unsigned word = 0;
    unsigned seen = 0;
    const auto atomic = [&] { return std::atomic_ref{word}; };
    // relaxed throughout: nothing is to be ordered here
    EXPECT_EQ(run_both([&] { atomic().store(1, relaxed); }, [&] { seen = word; }).races.size(), 1u);
    EXPECT_EQ(run_both([&] { seen = atomic().load(relaxed); }, [&] { word = 1; }).races.size(), 1u);
    EXPECT_EQ(run_both([&] { atomic().fetch_add(1, relaxed); }, [&] { word = 1; }).races.size(), 1u);
    unsigned other = 0;
    EXPECT_TRUE(run_both([&] { seen = atomic().load(relaxed); }, [&] { other = word; }).races.empty());
}

// A failed compare_exchange only reads.
TEST(Race, IsNotBetweenAReaderAndAFailedExchange) {
    alignas(8) unsigned word = 5;
    unsigned seen = 0;
    const auto fail = [&] {
        unsigned expected = 1;
        std::atomic_ref{word}.compare_exchange_strong(expected, 2, relaxed); // nothing to order
    };
    EXPECT_TRUE(run_both(fail, [&] { seen = word; }).races.empty());
    const auto succeed = [&] {
        unsigned expected = word;
        std::atomic_ref{word}.compare_exchange_strong(expected, 2, relaxed); // nothing to order
    };
    EXPECT_EQ(run_both(succeed, [&] { seen = word; }).races.size(), 1u);
}

// A lock with the mistake of which spin_lock.hpp warns.
class CarelessLock {
  public:
    void lock() {
        // acquire: pairs with nothing, as unlock() releases nothing
        while (locked_.exchange(true, acquire)) yield();
    }
    void unlock() { locked_.store(false, relaxed); } // the mistake

  private:
    std::atomic<bool> locked_{false};
};

template <class Lock>
struct Guarding {
    static constexpr unsigned cpus = 3, each = 4;
    Lock lock;
    unsigned count = 0;

    void run(unsigned) {
        for (unsigned i = 0; i < each; ++i) {
            lock.lock();
            ++count;
            lock.unlock();
        }
    }
    [[nodiscard]] unsigned outcome() const { return count; }
};

TEST(SpinLock, GuardsAndReleases) {
    const Outcomes outcomes = explore<Guarding<SpinLock>>(500);
    EXPECT_EQ(outcomes.count, (std::map<unsigned, unsigned>{{12, 500}}));
    EXPECT_EQ(outcomes.racing, 0u);
}

TEST(SpinLock, WithoutReleaseIsFound) { EXPECT_GT(explore<Guarding<CarelessLock>>(20).racing, 15u); }

// The waiter's words lie on its own stack, and are written by another CPU, as those of a remote call are.
struct OnTheStack {
    static constexpr unsigned cpus = 2;
    struct Request {
        unsigned answer = 0;
        std::atomic<bool> done{};
    };
    std::atomic<Request*> posted{};
    unsigned wrong = 0;

    void run(unsigned cpu) {
        for (unsigned round = 1; round <= 3; ++round) cpu == 0 ? ask(round) : answer(round);
    }
    [[gnu::noinline]] void ask(unsigned round) {
        Request mine;
        posted.store(&mine, release);             // pairs with the acquire in answer()
        while (!mine.done.load(acquire)) yield(); // pairs with the release in answer()
        wrong += mine.answer != round;
    }
    void answer(unsigned round) {
        Request* request = nullptr;
        // acquire: pairs with the release in ask()
        while ((request = posted.exchange(nullptr, acquire)) == nullptr) yield();
        request->answer = round;
        request->done.store(true, release); // pairs with the acquire in ask()
    }
    [[nodiscard]] unsigned outcome() const { return wrong; }
};

TEST(Stack, ServesOneRequestAfterTheOther) {
    const Outcomes outcomes = explore<OnTheStack>(1000);
    EXPECT_EQ(outcomes.count, (std::map<unsigned, unsigned>{{0, 1000}}));
    EXPECT_EQ(outcomes.racing, 0u);
}

// What is remembered is not displaced by what does not cover it, or is weaker: the third CPU, which comes
// last but is ordered after nobody, races with the first one's write and with both accesses of the second.
TEST(Race, IsFoundBehindLaterAccesses) {
    alignas(8) std::uint64_t word = 0;
    std::uint64_t seen = 0;
    std::atomic<bool> passed{};
    bool accessed = false;
    const auto first = [&] {
        word = 1;
        passed.store(true, release); // pairs with the acquire below
    };
    const auto second = [&] {
        while (!passed.load(acquire)) yield(); // pairs with the release above
        seen = word;
        static_cast<std::uint8_t*>(static_cast<void*>(&word))[7] = 1;
        const Outside outside;
        accessed = true;
    };
    const auto third = [&] {
        for (bool go = false; !go;) {
            yield();
            const Outside outside;
            go = accessed;
        }
        word = 2;
    };
    const Result result = run({}, {first, second, third});
    std::multiset<std::pair<unsigned, Access>> earlier;
    for (const Race& race : result.races) earlier.emplace(race.earlier.cpu, race.earlier.access);
    EXPECT_EQ(earlier, (std::multiset<std::pair<unsigned, Access>>{
                           {0, Access::write}, {1, Access::read}, {1, Access::write}}));
}

// The first CPU writes everything and forgets a part, then the second one writes everything.
std::size_t races_after_forgetting(std::uint64_t* words, std::size_t count, std::size_t from,
                                   std::size_t size) {
    bool written = false;
    const auto write_all = [&] {
        for (std::size_t i = 0; i < count; ++i) words[i] = 1;
    };
    const auto first = [&] {
        write_all();
        const Outside outside;
        forget(words + from, size * sizeof *words);
        written = true;
    };
    const auto second = [&] {
        for (bool go = false; !go;) {
            yield();
            const Outside outside;
            go = written;
        }
        write_all();
    };
    return run({}, {first, second}).races.size();
}

TEST(Forget, FreedMemoryIsNewMemory) {
    constexpr std::size_t count = 4096;
    const auto heap = std::make_unique<std::uint64_t[]>(count);
    alignas(4096) static std::uint64_t arena[count];
    install({.arena = arena, .arena_size = sizeof arena, .trace = true});
    for (std::uint64_t* const words : {heap.get(), arena}) {
        EXPECT_EQ(races_after_forgetting(words, count, 0, 0), count);
        EXPECT_EQ(races_after_forgetting(words, count, 0, count), 0u);
        EXPECT_EQ(races_after_forgetting(words, count, 65, 1000), count - 1000);
        EXPECT_EQ(races_after_forgetting(words, count, 511, 2), count - 2);
    }
    install(usual_options);
}

} // namespace
} // namespace chorale::weak::test
