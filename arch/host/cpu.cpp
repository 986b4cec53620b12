// The host machine's CPU, as the nucleus sees it.
#include "arch/host/cpu.hpp"

#include "arch/host/engine.hpp"
#include "kernel/core/per_cpu.hpp"

#include <machine/cpu.hpp>

#include <sys/random.h>
#include <time.h>

namespace chorale::host {

namespace {

thread_local Cpu own;
thread_local Cpu* played = nullptr;

} // namespace

Cpu& this_cpu() { return played != nullptr ? *played : own; }

void become(Cpu& cpu) { played = &cpu; }

} // namespace chorale::host

namespace chorale::machine {

void relax() { host::engine().relax(); }

void interrupt_window() { host::engine().interrupt_window(); }

void wait_for_interrupt() { host::engine().wait_for_interrupt(); }

u64 cycles() { return host::engine().now(); }

u64 random_seed() {
    u64 seed = 0;
    if (host::engine().repeatable()) return 0x5eed;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = static_cast<u64>(time(nullptr));
    return seed;
}

void* cpu_block() { return host::this_cpu().block; }

void set_cpu_block(void* block, CpuIndex) { host::this_cpu().block = block; }
void* current_thread() { return static_cast<PerCpuHot*>(cpu_block())->current; }

} // namespace chorale::machine
