// What kind of end the machine's exceptions mean. riscv64: values of scause.
#pragma once

#include "c_os/process/end_events.hpp"

namespace chorale::c_os {

[[nodiscard]] constexpr KillEvent kill_event(unsigned exception) {
    switch (exception) {
    case 2:
        return KillEvent::illegal_instruction;
    case 3:
        return KillEvent::breakpoint;
    default:
        return KillEvent::memory_protection;
    }
}

} // namespace chorale::c_os
