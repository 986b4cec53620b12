// Time: one monotonic clock for all CPUs and a one-shot alarm on each.
#pragma once

#include "arch/common/clock.hpp"

namespace chorale::machine {

// As now(), and not a moment before what this CPU has read so far: CPUs that tell each other times see none
// that goes back. Without the fence the counter may be read early.
[[nodiscard]] inline u64 ordered_now() {
    asm volatile("lfence" ::: "memory");
    return now();
}

} // namespace chorale::machine
