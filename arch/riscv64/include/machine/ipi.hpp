// Interrupts from one CPU to another.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

// The doorbell: its handler on the other CPU calls chorale::on_doorbell(). Every store made before the ring
// is visible to the handler.
void ring(CpuIndex target);

// For panic: a doorbell to every other CPU that runs; each halts for good when it lets interrupts in. Returns
// when all did, or after a time limit.
void stop_others();

} // namespace chorale::machine
