// What an announced access costs. The bound is many times the figure on a common machine: it finds a slip
// such as an allocation or a system call, not a busy host.
#include "tests/weak/cpus.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <span>

namespace chorale::weak::test {
namespace {

using enum std::memory_order;

constexpr unsigned words = 8192, rounds = 100;

// Nanoseconds for each of so many operations.
template <class F>
double time_of(unsigned count, F&& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / count;
}

class Speed : public testing::Test {
  protected:
    static constexpr std::size_t size = std::size_t{64} << 20;

    Speed() {
        arena_ =
            mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        install(Options{.arena = arena_, .arena_size = size});
    }
    ~Speed() override {
        install(usual_options);
        munmap(arena_, size);
    }
    Speed(const Speed&) = delete;
    Speed& operator=(const Speed&) = delete;

    void report(const char* what, double nanoseconds, double limit) {
        std::printf("%-44s %6.1f ns\n", what, nanoseconds);
        RecordProperty(what, std::to_string(nanoseconds));
        EXPECT_LT(nanoseconds, limit) << what;
    }

    void* arena_;
};

void write_all(std::span<std::uint64_t> data) {
    for (std::uint64_t& word : data) word = 1;
}

std::uint64_t read_all(std::span<const std::uint64_t> data) {
    std::uint64_t sum = 0;
    for (const std::uint64_t& word : data) sum += word;
    return sum;
}

TEST_F(Speed, PlainAccesses) {
    const std::span data{static_cast<std::uint64_t*>(arena_), words};
    std::atomic<unsigned> clock{};
    std::uint64_t sum = 0;
    double again = 0, later = 0;
    // As in a nucleus: mostly what was accessed a moment ago, and now and then something is published
    // between.
    run({.switches = 0}, {[&] {
            write_all(data);
            again = time_of(rounds * words, [&] {
                for (unsigned round = 0; round < rounds; ++round) write_all(data);
            });
            later = time_of(2 * rounds * words, [&] {
                for (unsigned round = 0; round < rounds; ++round) {
                    sum += read_all(data);
                    clock.store(1, release); // a new position: every mark is to be renewed
                    write_all(data);
                    clock.store(2, release); // as above
                }
            });
        }});
    EXPECT_EQ(sum, std::uint64_t{rounds} * words);
    report("a plain access, repeated", again, 200);
    report("a plain access, after something published", later, 300);
}

TEST_F(Speed, AtomicAccesses) {
    auto& word = *new (arena_) std::atomic<std::uint64_t>;
    unsigned count = 100'000;
    double loads = 0, stores = 0, additions = 0;
    run({.switches = 0, .limit = 1'000'000}, {[&] {
            loads = time_of(count, [&] {
                for (unsigned i = 0; i < count; ++i) static_cast<void>(word.load(acquire)); // only its cost
            });
            stores = time_of(count, [&] {
                for (unsigned i = 0; i < count; ++i) word.store(i, release); // only its cost
            });
            additions = time_of(count, [&] {
                for (unsigned i = 0; i < count; ++i) word.fetch_add(1, acq_rel); // only its cost
            });
        }});
    report("an acquire load", loads, 600);
    report("a release store", stores, 600);
    report("a read-modify-write", additions, 600);
}

} // namespace
} // namespace chorale::weak::test
