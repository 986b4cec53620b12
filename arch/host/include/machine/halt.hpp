// The end of the machine: the process tells (arch/host/engine.hpp).
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

enum : int { verdict_ok = 0, verdict_failure = 1, verdict_panic = 2 };

[[noreturn]] void power_off(int verdict);
[[noreturn]] void restart();
[[noreturn]] void halt();

} // namespace chorale::machine
