// The host machine's time: the engine's (arch/host/engine.hpp).
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

inline constexpr u64 no_deadline = ~u64{0};

[[nodiscard]] u64 now();
// Its cycles are nanoseconds.
[[nodiscard]] inline u64 duration(u64 cycles) { return cycles; }
void set_clock(u64 nanoseconds); // for tests without a machine: time is what the test says

[[nodiscard]] inline u64 ordered_now() { return now(); }
[[nodiscard]] inline u64 clock_resolution() { return 1; }
[[nodiscard]] inline u64 counter_frequency() { return 1'000'000'000; }

[[nodiscard]] u64 calendar();
void set_calendar(u64 nanoseconds); // before boot; 0, as it begins: there is none

// The alarm of the calling CPU.
void set_deadline(u64 deadline);
void cancel_deadline();
[[nodiscard]] u64 deadline(); // no_deadline: none is set

} // namespace chorale::machine
