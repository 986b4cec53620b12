// Device interrupts: which controller there is, and what trap.cpp calls. machine/irq.hpp has the public part.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

// Chooses the controller and masks all its lines. Boot CPU, once, when devices can be mapped.
void external_start();
// Lets device interrupts in to this CPU; on each CPU.
void external_start_cpu(CpuIndex cpu);
// The trap: this CPU has a device interrupt, or had one.
void external_interrupt();

} // namespace chorale::machine
