// The platform-level interrupt controller (RISC-V PLIC specification 1.0).
#pragma once

#include "arch/riscv64/trap/controller.hpp"

namespace chorale::machine {

// nullptr: the device tree has none that can be used.
[[nodiscard]] const Controller* plic_start();

} // namespace chorale::machine
