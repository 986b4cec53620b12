// Which CPUs run, and how one stops all others. A CPU that is late finds itself written off and halts; one
// that is in time is never written off: both sides decide by one compare-and-exchange.
#include "arch/common/secondary_state.hpp"

#include "kernel/base/log.hpp"

#include <machine/cpu.hpp>
#include <machine/report.hpp>
#include <machine/smp.hpp>
#include <machine/timer.hpp>

#include <atomic>

namespace chorale::machine {

namespace {

enum class Life : u8 { absent, awaited, running, written_off };

constinit std::atomic<Life> lives[max_cpus]{};
constexpr u32 nobody = ~u32{0};
constinit std::atomic<u32> stopper{nobody}; // the CPU that has stopped all others
constinit std::atomic<unsigned> stopped{0};

[[nodiscard]] unsigned count_awaited(unsigned count) {
    unsigned result = 0;
    for (CpuIndex cpu = 1; cpu < count; ++cpu) result += cpu_awaited(cpu) ? 1 : 0;
    return result;
}

} // namespace

void expect_cpu(CpuIndex cpu) {
    // release: pairs with the acquire in report_running(); the CPU must see what was made for it
    lives[cpu].store(Life::awaited, std::memory_order_release);
}

bool cpu_awaited(CpuIndex cpu) {
    // acquire: pairs with the release in report_running(), so that what the CPU has set up is seen
    return lives[cpu].load(std::memory_order_acquire) == Life::awaited;
}

bool report_running(CpuIndex cpu) {
    Life life = Life::awaited;
    // acq_rel: release pairs with cpu_awaited(), acquire with expect_cpu(). relaxed on failure: the CPU halts
    return lives[cpu].compare_exchange_strong(life, Life::running, std::memory_order_acq_rel,
                                              std::memory_order_relaxed);
}

void wait_for_cpus(unsigned count, u64 patience) {
    unsigned left = count_awaited(count);
    for (u64 end = now() + patience; left != 0 && now() < end; relax()) {
        const unsigned still = count_awaited(count);
        if (still != left) end = now() + patience;
        left = still;
    }
}

u64 running_cpus(unsigned count) {
    u64 running = 1;
    for (CpuIndex cpu = 1; cpu < count; ++cpu) {
        Life life = Life::awaited;
        // relaxed: on success the CPU halts without looking at anything of ours; acquire on failure: as in
        // cpu_awaited()
        if (lives[cpu].compare_exchange_strong(life, Life::written_off, std::memory_order_relaxed,
                                               std::memory_order_acquire)) {
            log("cpu {} ({} {}) did not start in time: going on without it", cpu, hardware_id_name,
                hardware_id(cpu));
        } else if (life == Life::running) {
            running |= u64{1} << cpu;
        }
    }
    return running;
}

bool stop_requested() {
    // relaxed: nothing else is read after. An interrupt of other origin must not stop the CPU that reports.
    const u32 by = stopper.load(std::memory_order_relaxed);
    return by != nobody && by != cpu_number();
}

void stop_here() {
    stopped.fetch_add(1, std::memory_order_release); // release: pairs with the acquire in wait_for_stops()
    halt_here();
}

unsigned claim_stop() {
    u32 before = nobody;
    // seq_cst: visible before the interrupt is
    if (!stopper.compare_exchange_strong(before, cpu_number())) return 0;
    unsigned others = 0; // CPU 0 is not in `lives`, the caller is: the number is right whoever calls
    for (const auto& life : lives) {
        // relaxed: CPUs that start this very moment halt by themselves
        others += life.load(std::memory_order_relaxed) == Life::running ? 1 : 0;
    }
    return others;
}

void wait_for_stops(unsigned others, u64 patience) {
    for (const u64 end = now() + patience; now() < end; relax()) {
        if (stopped.load(std::memory_order_acquire) >= others) return; // acquire: pairs with stop_here()
    }
}

} // namespace chorale::machine
