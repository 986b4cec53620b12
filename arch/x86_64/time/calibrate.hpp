// Finds out how fast the cycle counter and the APIC timer run.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

void clock_start();

// For the alarm: hardware ticks per nanosecond, alarm_fraction_bits of them behind the point.
inline constexpr unsigned alarm_fraction_bits = 28;
extern u64 alarm_ticks_per_ns;

} // namespace chorale::machine
