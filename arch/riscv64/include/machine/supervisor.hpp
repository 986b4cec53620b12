// Where supervisor actors live on this machine and how they come into the nucleus.
//
// Their threads run in S-mode on stacks in the supervisor range, with interrupts on, sscratch 0 and tp the
// CPU's block as in the nucleus. A trap from S-mode is theirs when sp lies there, else the nucleus's own
// (trap/trap.S). Their calls are functions (supervisor/gates.S).
#pragma once

#include "arch/common/supervisor.hpp"
#include "kernel/base/types.hpp"

#include <machine/offsets.h>

namespace chorale::machine {

// Behind the direct map. Four entries of the nucleus's top table, whose tables are made at boot.
inline constexpr uword supervisor_begin = 0xffff'ffe0'0000'0000;
inline constexpr uword supervisor_end = supervisor_begin + (uword{4} << 30);
inline constexpr unsigned supervisor_table_level = 2; // from which on entries are the same in all spaces
static_assert((supervisor_begin >> NUCLEUS_STACK_BIT & 1) == 0, "how trap.S knows their stacks");

// Every translation of this CPU's TLB, global ones too.
inline void invalidate_all() { asm volatile("sfence.vma" ::: "memory"); }

// For functions of the nucleus that a supervisor thread runs as its own.
inline void interrupts_on() { asm volatile("csrsi sstatus, 2" ::: "memory"); }

// What a guarded invocation keeps below its LapFrame (lap_invoke.S).
inline constexpr uword lap_kept_size = 96;

// Of the ELF relocations that linkers leave in a shared image (RISC-V ELF psABI). It has no kind of its own
// for the global offset table.
inline constexpr u32 relocation_relative = 3, relocation_absolute = 2, relocation_global = 2,
                     relocation_jump = 5;

} // namespace chorale::machine
