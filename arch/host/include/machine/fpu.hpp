// Floating-point registers: eight words that trap while no thread's are loaded, so that the lazy switching of
// the real machines has something to switch here.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

[[nodiscard]] std::size_t fpu_area_size();
void fpu_init_area(void* area);

// Saves the registers into `area` and turns them off: the next use traps.
void fpu_save(void* area);
// Turns them on and loads them.
void fpu_load(const void* area);

} // namespace chorale::machine
