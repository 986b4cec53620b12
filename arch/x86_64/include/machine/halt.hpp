// The end of the machine.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

enum : int { verdict_ok = 0, verdict_failure = 1, verdict_panic = 2 };

// Tells the emulator's debug-exit port, then asks ACPI for soft-off, then tries the reset register, then
// halts.
[[noreturn]] void power_off(int verdict);
// A cold start by the reset register, the keyboard controller or, when all else fails, a triple fault.
[[noreturn]] void restart();
[[noreturn]] void halt();

} // namespace chorale::machine
