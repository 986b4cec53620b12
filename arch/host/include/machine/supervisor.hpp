// Supervisor actors on the host machine: their memory is simulated like users' (mmu.cpp), their code is C++
// on stacks of its own (arch/host/native.hpp), and LAPs are called as on the real machines, step by step.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

// One entry of the top level; its table is there from the beginning.
inline constexpr uword supervisor_begin = 0xffff'e000'0000'0000;
inline constexpr uword supervisor_end = supervisor_begin + (uword{1} << 39);
inline constexpr unsigned supervisor_table_level = 3;

[[nodiscard]] PhysAddr supervisor_root();
void invalidate_all();
inline void interrupts_on() {}
[[nodiscard]] uword call_gate(unsigned number);

[[nodiscard]] VirtAddr handler_return_address();
[[nodiscard]] bool supervisor_read(void* to, VirtAddr from, std::size_t bytes);
[[nodiscard]] bool supervisor_write(VirtAddr to, const void* from, std::size_t bytes);

extern "C" {
int chorale_lap_invoke(const void* descriptor, void* argument);
int chorale_lap_invoke_guarded(u64 place, u64 key, void* argument);
}
extern const uword lap_kept_size;
[[nodiscard]] VirtAddr lap_failed();
[[nodiscard]] uword lap_way_home();

inline constexpr u32 relocation_relative = 8, relocation_absolute = 1, relocation_global = 6,
                     relocation_jump = 7;

} // namespace chorale::machine
