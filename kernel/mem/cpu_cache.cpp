// Where a CPU finds its memory cache.
#include "kernel/mem/cpu_cache.hpp"

#include "kernel/core/per_cpu.hpp"

namespace chorale {

namespace {

constinit bool started = false; // written before the secondary CPUs start, constant afterwards

} // namespace

void start_cpu_caches() { started = true; }

CpuCache* this_cpu_cache() { return started ? &this_cpu().memory : nullptr; }

CpuCache* cpu_cache_at(CpuIndex index) {
    return started && index < cpu_count() ? &cpu_at(index).memory : nullptr;
}

} // namespace chorale
