// Floating-point and vector registers. The area of a thread is 64-byte aligned memory of fpu_area_size()
// bytes. Invariant: while no thread's registers are loaded (CPU_FPU_LIVE is 0) CR0.TS is set and the
// registers hold their initial values, so that nobody can read a stranger's, not even speculatively.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

inline constexpr std::size_t fpu_area_alignment = 64;

void fpu_init_cpu();
[[nodiscard]] std::size_t fpu_area_size();
void fpu_init_area(void* area);

// Saves the registers into `area`, puts them in their initial state and sets TS: the next use traps.
void fpu_save(void* area);
// Clears TS and loads the registers.
void fpu_load(const void* area);

} // namespace chorale::machine
