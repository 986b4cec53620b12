// The end of the machine.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

enum : int { verdict_ok = 0, verdict_failure = 1, verdict_panic = 2 };

// Tells the emulator by its test device, then asks the firmware to shut down or reset, then halts.
[[noreturn]] void power_off(int verdict);
// A cold start by the firmware.
[[noreturn]] void restart();
[[noreturn]] void halt();

} // namespace chorale::machine
