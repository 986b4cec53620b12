// The few single instructions that portable code needs of a CPU. Includable on its own and from everywhere.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/offsets.h>

#include <atomic>

namespace chorale::machine {

inline void compiler_barrier() { asm volatile("" ::: "memory"); }

// The stacks of a CPU, in bytes: the nucleus's, where interrupts come in too, and that of the worst faults.
inline constexpr uword interrupt_stack_size = 16 << 10, fault_stack_size = 8 << 10;

// Loads through a pointer come after the load of the pointer.
// acquire: costs nothing here
inline constexpr std::memory_order order_of_dependent_loads = std::memory_order_acquire;

// In a loop that waits for another CPU.
inline void relax() { asm volatile("pause" ::: "memory"); }

[[nodiscard]] inline u64 cycles() {
    u64 low, high; // 32 bits each: the instruction clears the upper halves
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return high << 32 | low;
}

// The PerCpu of this CPU. An ordinary load through GS: the compiler may keep the value until the next opaque
// call.
[[nodiscard]] inline void* cpu_block() {
    using ThroughGs = void* __attribute__((address_space(256)))*;
    return *reinterpret_cast<ThroughGs>(uword{CPU_SELF});
}

// The current thread, in one load: also for thread-level code, which may change CPUs at any moment.
[[nodiscard]] inline void* current_thread() {
    using ThroughGs = void* volatile __attribute__((address_space(256)))*;
    return *reinterpret_cast<ThroughGs>(uword{CPU_CURRENT});
}

// Binds `block` (a PerCpu) to this CPU and fills its stack_top and space_root. Once for each CPU.
void set_cpu_block(void* block, CpuIndex index);

// Returns with interrupts off after at least one interrupt was handled. STI takes effect after the next
// instruction, so an interrupt cannot slip in between the two and leave the CPU halted.
inline void wait_for_interrupt() { asm volatile("sti; hlt; cli" ::: "memory"); }

// Lets pending interrupts in: the preemption point of long work.
inline void interrupt_window() { asm volatile("sti; nop; cli" ::: "memory"); }

// Code that was written as data is fetched as written: this machine needs nothing for that.
inline void synchronize_instructions() {}
inline void synchronize_all_instructions() {}

// What user programs may measure with.
[[nodiscard]] inline const char* user_counter() { return "tsc"; }

// Unpredictable where the CPU has RDSEED or RDRAND, else stirred from the jitter of the cycle counter.
[[nodiscard]] u64 random_seed();

// Where system calls go, on this CPU and on each one that is started later.
void set_call_entry(void (*entry)());

// One line for the boot log: the features found and used. Returns the number of characters written.
std::size_t describe_features(char* buffer, std::size_t size);
// The CPU's name for itself, up to 48 characters.
std::size_t describe_cpu(char* buffer, std::size_t size);

} // namespace chorale::machine
