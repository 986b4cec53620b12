// The host machine's doorbells.
#include <machine/ipi.hpp>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace chorale::machine {

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

} // namespace

void ring(CpuIndex target) {
    Bell& bell = bell_of(target);
    {
        const std::lock_guard lock{bell.mutex};
        ++bell.count;
    }
    bell.rung.notify_all();
}

u64 rings(CpuIndex cpu) {
    Bell& bell = bell_of(cpu);
    const std::lock_guard lock{bell.mutex};
    return bell.count;
}

void silence(CpuIndex cpu) {
    Bell& bell = bell_of(cpu);
    const std::lock_guard lock{bell.mutex};
    bell.count = 0;
}

bool wait_for_ring(CpuIndex cpu, u64 seen, unsigned milliseconds) {
    Bell& bell = bell_of(cpu);
    std::unique_lock lock{bell.mutex};
    return bell.rung.wait_for(lock, std::chrono::milliseconds{milliseconds},
                              [&] { return bell.count > seen; });
}

} // namespace chorale::machine
