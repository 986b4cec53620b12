// Time: one monotonic clock for all CPUs and a one-shot alarm on each.
#pragma once

#include "arch/common/clock.hpp"

namespace chorale::machine {

// As now(), and not a moment before what this hart has read so far: harts that tell each other times see none
// that goes back. Reading the counter is device input to the memory model.
[[nodiscard]] inline u64 ordered_now() {
    asm volatile("fence r, i" ::: "memory");
    return now();
}

} // namespace chorale::machine
