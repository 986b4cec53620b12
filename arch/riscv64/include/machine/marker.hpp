// Marks for an instruction counter: LUI to the zero register, which does nothing but carry a number. See
// tools/plugin.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

enum class Marker : u16 {
    idle_begins = 3, // what follows is waiting for work, not work
    idle_ends = 4,
    first_user = 5, // boot is over
    timer_taken = 8,
    timers_served = 9, // who was due has been woken up
};

template <Marker M>
inline void marker() {
    asm volatile("lui zero, %0" ::"i"(0x5e000 | static_cast<u16>(M)) : "memory");
}

} // namespace chorale::machine
