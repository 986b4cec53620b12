// Supervisor actors on the host machine: their memory is simulated like users' (mmu.cpp), their code is C++
// on stacks of its own (arch/host/native.hpp), and LAPs are called as on the real machines, step by step.
#pragma once

#include "arch/common/supervisor.hpp"
#include "kernel/base/types.hpp"

namespace chorale::machine {

// One entry of the top level; its table is there from the beginning.
inline constexpr uword supervisor_begin = 0xffff'e000'0000'0000;
inline constexpr uword supervisor_end = supervisor_begin + (uword{1} << 39);
inline constexpr unsigned supervisor_table_level = 3;

void invalidate_all();
inline void interrupts_on() {}

extern const uword lap_kept_size;

inline constexpr u32 relocation_relative = 8, relocation_absolute = 1, relocation_global = 6,
                     relocation_jump = 7;

} // namespace chorale::machine
