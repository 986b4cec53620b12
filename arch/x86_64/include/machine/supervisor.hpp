// Where supervisor actors live on this machine and how they come into the nucleus.
//
// Their threads run in ring 0 on stacks in the supervisor range, with interrupts on and GS as in the nucleus.
// A trap from ring 0 is theirs when its stack lies there, else the nucleus's own (trap/trap.S). Their calls
// are functions (supervisor/gates.S).
#pragma once

#include "arch/common/supervisor.hpp"
#include "kernel/base/types.hpp"

#include <machine/offsets.h>

namespace chorale::machine {

// One entry of the top level of every space; its table is made at boot.
inline constexpr uword supervisor_begin = 0xffff'e000'0000'0000;
inline constexpr uword supervisor_end = supervisor_begin + (uword{1} << 39);
inline constexpr unsigned supervisor_table_level = 3; // whose entries are the same in all spaces
static_assert((supervisor_begin >> NUCLEUS_STACK_BIT & 1) == 0, "how trap.S knows their stacks");

// Every translation of this CPU's TLB, global ones too.
void invalidate_all();

// For functions of the nucleus that a supervisor thread runs as its own.
inline void interrupts_on() { asm volatile("sti" ::: "memory"); }

// What a guarded invocation keeps below its LapFrame (lap_invoke.S).
inline constexpr uword lap_kept_size = 48;

// Of the ELF relocations that linkers leave in a shared image (System V ABI, AMD64 supplement).
inline constexpr u32 relocation_relative = 8, relocation_absolute = 1, relocation_global = 6,
                     relocation_jump = 7;

} // namespace chorale::machine
