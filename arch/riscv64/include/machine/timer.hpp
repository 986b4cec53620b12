// Time: one monotonic clock for all CPUs and a one-shot alarm on each.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/cpu.hpp>

namespace chorale::machine {

// Written once at boot before other CPUs run, read-only afterwards.
struct Clock {
    u64 start;          // time counter when the clock read zero
    u64 multiplier;     // nanoseconds per tick, 32 fraction bits
    u64 frequency;      // ticks per second
    const char* source; // what the alarm is set through
};
extern Clock clock;

// Nanoseconds from boot to a reading of the counter.
[[nodiscard]] inline u64 nanoseconds(u64 reading) {
    const auto product = static_cast<unsigned __int128>(reading - clock.start) * clock.multiplier;
    return static_cast<u64>(product >> 32);
}
[[nodiscard]] inline u64 now() { return nanoseconds(cycles()); }

// The alarm of this CPU: chorale::on_timer() is called at `deadline` (absolute, as now()) or soon after.
void set_deadline(u64 deadline);
void cancel_deadline();

} // namespace chorale::machine
