// Which engine plays the CPUs; and the one for tests that have no machine.
#include "arch/host/engine.hpp"

#include "arch/host/machine.hpp"

#include <machine/ipi.hpp>
#include <machine/timer.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <sched.h>

namespace chorale::host {

namespace {

struct Bell {
    std::mutex mutex;
    std::condition_variable rung;
    u64 count = 0;
};

Bell& bell_of(CpuIndex cpu) {
    static std::array<Bell, max_cpus> bells;
    return bells.at(cpu);
}

std::atomic<u64> test_clock{0};

// Interrupts do not exist; where they would be let in, the thread offers its place to the others, so that
// more interleavings are seen.
class Loose final : public Engine {
  public:
    void relax() override { sched_yield(); }
    void wait_for_interrupt() override { sched_yield(); }
    void interrupt_window() override { sched_yield(); }
    u64 now() override { return test_clock.load(); }
    void stop(int) override { std::abort(); }

    void ring(CpuIndex target) override {
        Bell& bell = bell_of(target);
        {
            const std::lock_guard lock{bell.mutex};
            ++bell.count;
        }
        bell.rung.notify_all();
    }
};

Engine* chosen = nullptr;

} // namespace

Outcome Engine::go() { std::abort(); } // there is no machine

Engine& loose_engine() {
    static Loose loose;
    return loose;
}

Engine& engine() { return chosen != nullptr ? *chosen : loose_engine(); }

void use_engine(Engine* engine) { chosen = engine; }

} // namespace chorale::host

namespace chorale::machine {

void ring(CpuIndex target) { host::engine().ring(target); }

u64 now() { return host::engine().now(); }

void set_clock(u64 nanoseconds) { host::test_clock.store(nanoseconds); }

u64 rings(CpuIndex cpu) {
    host::Bell& bell = host::bell_of(cpu);
    const std::lock_guard lock{bell.mutex};
    return bell.count;
}

void silence(CpuIndex cpu) {
    host::Bell& bell = host::bell_of(cpu);
    const std::lock_guard lock{bell.mutex};
    bell.count = 0;
}

bool wait_for_ring(CpuIndex cpu, u64 seen, unsigned milliseconds) {
    host::Bell& bell = host::bell_of(cpu);
    std::unique_lock lock{bell.mutex};
    return bell.rung.wait_for(lock, std::chrono::milliseconds{milliseconds},
                              [&] { return bell.count > seen; });
}

} // namespace chorale::machine
