// Floating-point registers. The area of a thread is memory of fpu_area_size() bytes. Invariant: while no
// thread's registers are loaded (CPU_FPU_LIVE is 0) sstatus.FS is Off, so that the first use traps. The
// hardware turns FS from Clean to Dirty: registers that were only read are not saved again. Vector registers
// are off for ever.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

inline constexpr std::size_t fpu_area_alignment = 8;

void fpu_init_cpu();
[[nodiscard]] std::size_t fpu_area_size();
void fpu_init_area(void* area);

// Saves the registers into `area` if they were written, and sets FS to Off: the next use traps.
void fpu_save(void* area);
// Sets FS to Clean and loads the registers.
void fpu_load(const void* area);

} // namespace chorale::machine
