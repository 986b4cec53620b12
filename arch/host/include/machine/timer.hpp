// The host machine's time is what the test says.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

inline constexpr u64 no_deadline = ~u64{0};

[[nodiscard]] u64 now();
void set_clock(u64 nanoseconds);

// The alarm of the calling CPU; nothing happens when it passes: who plays the CPU looks at deadline() itself.
void set_deadline(u64 deadline);
void cancel_deadline();
[[nodiscard]] u64 deadline(); // no_deadline: none is set

} // namespace chorale::machine
