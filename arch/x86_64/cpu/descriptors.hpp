// Segments, task state and interrupt gates of each CPU, and its stacks.
// The stacks of a CPU lie in a slot of their own: [guard] double fault [guard] NMI [guard] machine check
// [guard] main. A slot's size is a power of two, so that any stack pointer tells the CPU's index.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/boot_layout.hpp>
#include <machine/cpu.hpp>

namespace chorale::machine {

inline constexpr uword ist_stack_size = fault_stack_size; // trap.S finds the end by this alignment
inline constexpr uword main_stack_size = interrupt_stack_size;

enum Ist : unsigned { ist_none = 0, ist_double_fault = 1, ist_nmi = 2, ist_machine_check = 3, ist_end = 4 };

[[nodiscard]] constexpr uword stack_slot(CpuIndex cpu) { return stacks_base + cpu * stack_slot_size; }
[[nodiscard]] constexpr uword ist_stack_end(CpuIndex cpu, unsigned ist) {
    return stack_slot(cpu) + 4 * ist * page_size + ist_stack_size;
}
[[nodiscard]] constexpr uword main_stack_end(CpuIndex cpu) { return stack_slot(cpu) + stack_slot_size; }
static_assert(stacks_base % stack_slot_size == 0 && (4 * page_size) % ist_stack_size == 0);
static_assert(ist_stack_end(0, ist_end) + page_size <= main_stack_end(0) - main_stack_size);

// Maps the stacks of one CPU with fresh memory. Boot CPU only, while boot memory is open.
void make_stacks(CpuIndex cpu);

// Fills the interrupt table that all CPUs share.
void make_interrupt_table();
// Loads segments, task state and interrupt table of CPU `cpu`, which runs this.
void load_descriptors(CpuIndex cpu);

// SYSCALL entry registers of this CPU, from what set_call_entry() was told.
void load_call_entry();

} // namespace chorale::machine
