// Where supervisor actors live on this machine and how they come into the nucleus.
//
// Their threads run in ring 0 on stacks in the supervisor range, with interrupts on and GS as in the nucleus.
// A trap from ring 0 is theirs when its stack lies there, else the nucleus's own (trap/trap.S). Their calls
// are functions (supervisor/gates.S).
#pragma once

#include "kernel/base/types.hpp"

#include <machine/offsets.h>

namespace chorale::machine {

// One entry of the top level of every space; its table is made at boot.
inline constexpr uword supervisor_begin = 0xffff'e000'0000'0000;
inline constexpr uword supervisor_end = supervisor_begin + (uword{1} << 39);
inline constexpr unsigned supervisor_table_level = 3; // whose entries are the same in all spaces
static_assert((supervisor_begin >> NUCLEUS_STACK_BIT & 1) == 0, "how trap.S knows their stacks");

[[nodiscard]] PhysAddr supervisor_root(); // a table of the top level that leads there

// Every translation of this CPU's TLB, global ones too.
void invalidate_all();

// For functions of the nucleus that a supervisor thread runs as its own.
inline void interrupts_on() { asm volatile("sti" ::: "memory"); }

// The function that makes nucleus call `number`, with the arguments of the C calling convention.
[[nodiscard]] uword call_gate(unsigned number);

// Where a handler returns to: with what it returns, on to handler_returned() (kernel/supervisor/handler.cpp).
[[nodiscard]] VirtAddr handler_return_address();

// The nucleus's access to the supervisor range whoever is running; false: it is not mapped so. What was
// copied before stays copied.
[[nodiscard]] bool supervisor_read(void* to, VirtAddr from, std::size_t bytes);
[[nodiscard]] bool supervisor_write(VirtAddr to, const void* from, std::size_t bytes);

// Invoking LAPs (lap_invoke.S): lapInvoke itself, for supervisor actors; the same with the descriptor in
// registers and always guarded: a fault ends the invocation, when the nucleus lets the thread go on at
// lap_failed() with the stack lap_kept_size below the LapFrame. Errors: K_EINVAL, K_EABORT, K_EFAIL.
// lap_way_home(): where a LapFrame returns to if the nucleus is to know of it.
extern "C" {
int chorale_lap_invoke(const void* descriptor, void* argument);
int chorale_lap_invoke_guarded(u64 place, u64 key, void* argument);
extern const u8 chorale_lap_failed[], chorale_lap_way_home[];
}
// The gates, one for each number of the call list, stand in a row (gates.S).
inline constexpr uword call_gate_size = 16;
inline constexpr uword lap_kept_size = 48;
[[nodiscard]] inline VirtAddr lap_failed() { return VirtAddr{reinterpret_cast<uword>(chorale_lap_failed)}; }
[[nodiscard]] inline uword lap_way_home() { return reinterpret_cast<uword>(chorale_lap_way_home); }

// Of the ELF relocations that linkers leave in a shared image (System V ABI, AMD64 supplement).
inline constexpr u32 relocation_relative = 8, relocation_absolute = 1, relocation_global = 6,
                     relocation_jump = 7;

} // namespace chorale::machine
