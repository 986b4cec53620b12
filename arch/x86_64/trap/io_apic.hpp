// The I/O APICs: device interrupt lines, all masked until attached (machine/irq.hpp has the public part).
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

void io_apic_start();
// A line's interrupt has come: masks it when it is level-triggered, so that it can be acknowledged at once.
void io_apic_arrived(unsigned line);

} // namespace chorale::machine
