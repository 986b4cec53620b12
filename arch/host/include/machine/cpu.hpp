// The host machine's CPU (arch/host/cpu.hpp): interrupts come only when the nucleus or a user program looks
// for them.
#pragma once

#include "kernel/base/types.hpp"

#include <atomic>

namespace chorale::machine {

inline void compiler_barrier() { asm volatile("" ::: "memory"); }

// The stacks of a CPU, in bytes: the nucleus's, where interrupts come in too, and that of the worst faults.
inline constexpr uword interrupt_stack_size = 256 << 10, fault_stack_size = 256 << 10;

// Loads through a pointer come after the load of the pointer.
// acquire: C++ knows of no such dependency, nor do those who check the nucleus here
inline constexpr std::memory_order order_of_dependent_loads = std::memory_order_acquire;

void relax(); // in a loop that waits for another CPU
void interrupt_window();
void wait_for_interrupt();

inline void synchronize_instructions() {}
inline void synchronize_all_instructions() {}

[[nodiscard]] u64 cycles(); // nanoseconds
[[nodiscard]] u64 random_seed();

[[nodiscard]] const char* user_counter();
std::size_t describe_features(char* buffer, std::size_t size);
std::size_t describe_cpu(char* buffer, std::size_t size);

// The PerCpu of the calling thread; nullptr until set.
[[nodiscard]] void* cpu_block();
void set_cpu_block(void* block, CpuIndex index);
[[nodiscard]] void* current_thread();

} // namespace chorale::machine
