// What kind of end the machine's exceptions mean. x86-64: vectors.
#pragma once

#include "c_os/process/end_events.hpp"

namespace chorale::c_os {

[[nodiscard]] constexpr KillEvent kill_event(unsigned exception) {
    switch (exception) {
    case 0:  // divide error
    case 16: // x87
    case 19: // SIMD
        return KillEvent::floating_point;
    case 1: // debug
    case 3:
        return KillEvent::breakpoint;
    case 6:
        return KillEvent::illegal_instruction;
    default:
        return KillEvent::memory_protection;
    }
}

} // namespace chorale::c_os
