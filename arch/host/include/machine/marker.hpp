// Marks for an instruction counter: nobody counts here.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

enum class Marker : u16 {
    idle_begins = 3,
    idle_ends = 4,
    first_user = 5,
    timer_taken = 8,
    timers_served = 9
};

template <Marker M>
inline void marker() {}

} // namespace chorale::machine
