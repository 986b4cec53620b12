// A counter that all CPUs share, read as a clock: what the real machines agree on of machine/timer.hpp.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/cpu.hpp>

namespace chorale::machine {

// Written once at boot before other CPUs run, read-only afterwards.
struct Clock {
    u64 start;          // the counter when the clock read zero
    u64 multiplier;     // nanoseconds per cycle, 32 fraction bits
    u64 frequency;      // cycles per second
    const char* source; // what the frequency was measured against, or what the alarm is set through
};
extern Clock clock;

// What a number of cycles takes.
[[nodiscard]] inline u64 duration(u64 cycles) {
    return static_cast<u64>(static_cast<unsigned __int128>(cycles) * clock.multiplier >> 32);
}

// Nanoseconds from boot to a reading of the counter.
[[nodiscard]] inline u64 nanoseconds(u64 reading) { return duration(reading - clock.start); }
[[nodiscard]] inline u64 now() { return nanoseconds(cycles()); }

// The smallest difference that the clock can show, in nanoseconds.
[[nodiscard]] inline u64 clock_resolution() {
    constexpr u64 giga = 1'000'000'000;
    return (giga + clock.frequency - 1) / clock.frequency;
}
// Ticks per second of the counter that programs read themselves.
[[nodiscard]] inline u64 counter_frequency() { return clock.frequency; }

// What the battery clock says, in nanoseconds since 1970-01-01 UT; 0: there is none, or it has lost the time.
[[nodiscard]] u64 calendar();

// The alarm of this CPU: chorale::on_timer() is called at `deadline` (absolute, as now()) or soon after. It
// may also come early, when the deadline lies beyond the reach of the hardware timer: the handler compares
// and sets it again.
void set_deadline(u64 deadline);
void cancel_deadline();

} // namespace chorale::machine
