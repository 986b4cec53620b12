// The host machine's CPU.
#include <machine/cpu.hpp>

#include <sched.h>
#include <sys/random.h>
#include <time.h>

namespace chorale::machine {

namespace {

thread_local void* block_of_thread = nullptr;

}  // namespace

void relax() { sched_yield(); }

void interrupt_window() { sched_yield(); }

void wait_for_interrupt() { sched_yield(); }

u64 cycles() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

u64 random_seed() {
    u64 seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = cycles();
    return seed;
}

void* cpu_block() { return block_of_thread; }

void set_cpu_block(void* block, CpuIndex) { block_of_thread = block; }

}  // namespace chorale::machine
