// The advanced platform-level interrupt controller (RISC-V AIA specification, chapter 4): the supervisor's
// domain.
#pragma once

#include "arch/riscv64/trap/controller.hpp"

namespace chorale::machine {

// With messages to the IMSICs where the harts have them, else with a wire to each hart. nullptr: the device
// tree has none that can be used.
[[nodiscard]] const Controller* aplic_start();

} // namespace chorale::machine
