// The counter that the system time is made from, for user and supervisor code.
#pragma once

#include <cstdint>

namespace chorale::machine {

[[nodiscard, gnu::always_inline]] inline std::uint64_t time_counter() {
    std::uint64_t ticks;
    asm volatile("rdtime %0" : "=r"(ticks) : : "memory");
    return ticks;
}

} // namespace chorale::machine
