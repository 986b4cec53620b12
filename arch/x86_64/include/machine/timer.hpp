// Time: one monotonic clock for all CPUs and a one-shot alarm on each.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/cpu.hpp>

namespace chorale::machine {

// Written once at boot before other CPUs run, read-only afterwards.
struct Clock {
    u64 start;          // cycle counter when the clock read zero
    u64 multiplier;     // nanoseconds per cycle, 32 fraction bits
    u64 frequency;      // cycles per second
    const char* source; // what the frequency was measured against
};
extern Clock clock;

// Nanoseconds since boot.
[[nodiscard]] inline u64 now() {
    const auto product = static_cast<unsigned __int128>(cycles() - clock.start) * clock.multiplier;
    return static_cast<u64>(product >> 32);
}

// The same, and not a moment before what this CPU has read so far: CPUs that tell each other times see none
// that goes back. Without the fence the counter may be read early.
[[nodiscard]] inline u64 ordered_now() {
    asm volatile("lfence" ::: "memory");
    return now();
}

// The smallest difference that the clock can show, in nanoseconds.
[[nodiscard]] inline u64 clock_resolution() {
    constexpr u64 giga = 1'000'000'000;
    return (giga + clock.frequency - 1) / clock.frequency;
}
// Ticks per second of the counter that programs read themselves.
[[nodiscard]] inline u64 counter_frequency() { return clock.frequency; }

// What the battery clock says, in nanoseconds since 1970-01-01 UT; 0: there is none, or it has lost the time.
[[nodiscard]] u64 calendar();

// What a number of cycles takes.
[[nodiscard]] inline u64 duration(u64 cycles) {
    return static_cast<u64>(static_cast<unsigned __int128>(cycles) * clock.multiplier >> 32);
}

// The alarm of this CPU: chorale::on_timer() is called at `deadline` (absolute, as now()) or soon after. It
// may also come early, when the deadline lies beyond the reach of the hardware timer: the handler compares
// and sets it again.
void set_deadline(u64 deadline);
void cancel_deadline();

} // namespace chorale::machine
