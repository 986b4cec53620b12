// What x86-64 has that nobody can predict.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::c_os {

[[nodiscard]] inline bool machine_has_random() {
    u32 a = 1, b = 0, c = 0, d = 0;
    asm("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (c & (1U << 30)) != 0;
}

// RDRAND. Some processors gave all ones after a sleep: that is no random number.
[[nodiscard]] inline bool machine_random(u64& value) {
    if (!machine_has_random()) return false;
    for (unsigned tries = 0; tries < 10; ++tries) {
        u64 number = 0;
        bool good = false;
        asm volatile("rdrand %0" : "=r"(number), "=@ccc"(good));
        if (!good || number == ~u64{0}) continue;
        value = number;
        return true;
    }
    return false;
}

[[nodiscard]] inline u64 machine_ticks() {
    u32 low = 0, high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return u64{high} << 32 | low;
}

} // namespace chorale::c_os
