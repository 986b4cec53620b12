// The stacks of a CPU. Its slot begins at a multiple of the slot's size: the emergency stack ends there, the
// main stack lies above, unmapped space below each.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/boot_layout.hpp>
#include <machine/cpu.hpp>
#include <machine/offsets.h>

namespace chorale::machine {

inline constexpr uword main_stack_size = MAIN_STACK_END - MAIN_STACK_BEGIN;

[[nodiscard]] constexpr uword stack_slot(CpuIndex cpu) { return stacks_base + (cpu + 1) * stack_slot_size; }
[[nodiscard]] constexpr uword main_stack_end(CpuIndex cpu) { return stack_slot(cpu) + MAIN_STACK_END; }
static_assert(stacks_base % stack_slot_size == 0 && stack_slot_size == 1 << STACK_SLOT_BITS);
static_assert(MAIN_STACK_BEGIN == 1 << MAIN_STACK_BIT && main_stack_size == interrupt_stack_size);
static_assert(EMERGENCY_STACK_SIZE == fault_stack_size);
static_assert(MAIN_STACK_END + page_size + EMERGENCY_STACK_SIZE <= STACK_SLOT_SIZE);

// Maps the stacks of one CPU with fresh memory. Boot CPU only, while boot memory is open.
void make_stacks(CpuIndex cpu);

} // namespace chorale::machine
