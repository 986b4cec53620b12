// The host machine's CPU: a thread of a Linux process. Interrupts do not exist; where they would be let in,
// the thread offers its place to the others, so that more interleavings are seen.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

inline void compiler_barrier() { asm volatile("" ::: "memory"); }

void relax();             // in a loop that waits for another CPU
void interrupt_window();
void wait_for_interrupt();

inline void synchronize_instructions() {}
inline void synchronize_all_instructions() {}

[[nodiscard]] u64 cycles();  // nanoseconds
[[nodiscard]] u64 random_seed();

// The PerCpu of the calling thread; nullptr until set.
[[nodiscard]] void* cpu_block();
void set_cpu_block(void* block, CpuIndex index);

}  // namespace chorale::machine
