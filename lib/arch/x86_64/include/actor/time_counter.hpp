// The counter that the system time is made from, for user and supervisor code.
#pragma once

#include <cstdint>

namespace chorale::machine {

[[nodiscard, gnu::always_inline]] inline std::uint64_t time_counter() {
    std::uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return static_cast<std::uint64_t>(high) << 32 | low;
}

} // namespace chorale::machine
