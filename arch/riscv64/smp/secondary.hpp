// The boot-time side of machine/smp.hpp.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

// Numbers the harts of the device tree that can run the nucleus, at most `limit`, the boot hart first;
// returns how many there are.
unsigned find_cpus(unsigned limit, u64 boot_hart);

} // namespace chorale::machine
