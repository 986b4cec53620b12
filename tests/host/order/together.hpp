// Threads that play CPUs and begin each round at the same moment, so that what they do in it meets. Between
// two rounds all is ordered; within one nothing is, but by what is tested.
#pragma once

#include "kernel/base/types.hpp"

#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace chorale::test {

class Together {
  public:
    explicit Together(unsigned cpus) : cpus_{cpus} {}

    // `body(cpu, round)` on each CPU, round after round, until the time is over.
    template <class Body>
    void run(std::chrono::milliseconds time, Body&& body) {
        end_ = std::chrono::steady_clock::now() + time;
        std::vector<std::thread> threads;
        for (CpuIndex cpu = 0; cpu < cpus_; ++cpu) {
            threads.emplace_back([&, cpu] {
                stay_on(cpu);
                for (u64 round = 1; begin(cpu, round); ++round) body(cpu, round);
            });
        }
        for (std::thread& thread : threads) thread.join();
    }
    [[nodiscard]] u64 rounds() const { return rounds_; }

  private:
    // Each on a CPU of the host's own, if there are as many: or they would take turns rather than meet.
    void stay_on(CpuIndex cpu) const {
        if (std::thread::hardware_concurrency() < cpus_) return;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        static_cast<void>(sched_setaffinity(0, sizeof one, &one)); // where it may not, it goes on as it is
    }

    // CPU 0 opens a round when all have come, or ends it all.
    [[nodiscard]] bool begin(CpuIndex cpu, u64 round) {
        arrived_.fetch_add(1);
        if (cpu == 0) {
            while (arrived_.load() != cpus_ * round) sched_yield();
            rounds_ = round - 1;
            open_.store(std::chrono::steady_clock::now() < end_ ? round : over);
        }
        u64 open = open_.load();
        for (unsigned spin = 0; open < round; open = open_.load()) {
            if (++spin % 256 == 0) sched_yield();
        }
        return open != over;
    }

    static constexpr u64 over = ~u64{0};
    const u64 cpus_;
    u64 rounds_{};
    std::chrono::steady_clock::time_point end_;
    std::atomic<u64> arrived_{0};
    alignas(cache_line) std::atomic<u64> open_{0};
};

// So that two CPUs meet at another point each time.
inline void dawdle(u64 seed) {
    constexpr u64 multiplier = 6364136223846793005, most = 64;
    for (u64 left = (seed * multiplier >> 40) % most; left != 0; --left)
        std::atomic_signal_fence(std::memory_order_seq_cst);
}

} // namespace chorale::test
