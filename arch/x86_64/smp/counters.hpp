// Whether the CPUs' cycle counters agree, as the clock needs it: sysTime is one time for all.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

// One comparison with what any CPU has read before; many, by several CPUs at the same time, find out.
void compare_counters();
// By how many cycles one was behind another at the worst; 0: nobody has seen a time go back.
[[nodiscard]] u64 counters_apart();

} // namespace chorale::machine
