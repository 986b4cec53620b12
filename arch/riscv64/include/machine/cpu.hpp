// The few single instructions that portable code needs of a CPU. Includable on its own and from everywhere.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/offsets.h>

#include <atomic>

namespace chorale::machine {

inline void compiler_barrier() { asm volatile("" ::: "memory"); }

// The stacks of a CPU, in bytes: the nucleus's, where interrupts come in too, and that of the worst faults.
inline constexpr uword interrupt_stack_size = 16 << 10, fault_stack_size = 12 << 10;

// Loads through a pointer come after the load of the pointer.
// relaxed: RVWMO keeps the order of accesses of which one's address depends on the other
inline constexpr std::memory_order order_of_dependent_loads = std::memory_order_relaxed;

// In a loop that waits for another CPU: the PAUSE hint, a no-operation where it is not known.
inline void relax() { asm volatile(".4byte 0x0100000f" ::: "memory"); }

// The time counter, which all harts share: constant speed, not clock cycles.
[[nodiscard]] inline u64 cycles() {
    u64 value;
    asm volatile("rdtime %0" : "=r"(value));
    return value;
}

// The PerCpu of this CPU, from the register tp. Nucleus code never changes CPUs in the middle of a function,
// so the compiler may keep the value.
[[nodiscard]] inline void* cpu_block() { return __builtin_thread_pointer(); }

// The current thread, in one load: also for thread-level code, which may change CPUs at any moment, and its
// tp with them.
[[nodiscard]] inline void* current_thread() {
    void* thread;
    asm volatile("ld %0, %1(tp)" : "=r"(thread) : "i"(CPU_CURRENT));
    return thread;
}

// Binds `block` (a PerCpu) to this CPU and fills its stack_top and space_root. Once for each CPU.
void set_cpu_block(void* block, CpuIndex index);

// Returns with interrupts off after at least one interrupt was handled. WFI wakes up for an interrupt that is
// pending while they are off, so none can slip in between the look for work and the halt.
inline void wait_for_interrupt() {
    asm volatile("wfi\n"
                 "csrsi sstatus, 2\n"
                 "csrci sstatus, 2" ::
                     : "memory");
}

// Lets pending interrupts in: the preemption point of long work. sepc stays: short calls return by it.
inline void interrupt_window() {
    u64 return_address;
    asm volatile("csrr %0, sepc\n"
                 "csrsi sstatus, 2\n"
                 "csrci sstatus, 2\n"
                 "csrw sepc, %0"
                 : "=&r"(return_address)
                 :
                 : "memory");
}

// Code that was written as data, by any hart before this one was told of it, is fetched as written from now
// on.
inline void synchronize_instructions() { asm volatile("fence.i" ::: "memory"); }

// The same on every hart, at once.
void synchronize_all_instructions();

// What user programs may measure with: "cycle", or "time" where the firmware keeps the cycle counter.
[[nodiscard]] const char* user_counter();

// From the firmware's seed and the jitter of the counter.
[[nodiscard]] u64 random_seed();

// One line for the boot log: the features found and used. Returns the number of characters written.
std::size_t describe_features(char* buffer, std::size_t size);
// The machine's name for itself.
std::size_t describe_cpu(char* buffer, std::size_t size);

} // namespace chorale::machine
