// What RISC-V has that nobody can predict.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::c_os {

// The seed register of Zkr belongs to the firmware unless that gives it away, and to ask it then is an
// exception.
[[nodiscard]] inline bool machine_random(u64&) { return false; }

[[nodiscard]] inline u64 machine_ticks() {
    u64 time = 0;
    asm volatile("rdtime %0" : "=r"(time));
    return time;
}

} // namespace chorale::c_os
