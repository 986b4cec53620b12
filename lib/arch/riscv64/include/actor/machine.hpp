// What actors ask of the processor: a counter of time and the marker no-ops that the instruction counter
// sees. What the processor lets user programs see is the firmware's and the nucleus's decision; the
// environment tells.
#pragma once

#include <actor/environment.hpp>

#include <cstdint>

namespace chorale::machine {

inline constexpr const char* name = "riscv64";

// Whether user programs may read the cycle counter; else only the timer's clock, which is slower by far. To
// read a counter that is closed ends the actor.
inline const bool counts_cycles = [] {
    char value[K_ENVVALUEMAX];
    return same_text(environment_text("counter", value, "time"), "cycle");
}();

[[nodiscard]] inline const char* counter_name() { return counts_cycles ? "cycle" : "time"; }

// The compiler does not move memory accesses over it.
[[nodiscard, gnu::always_inline]] inline std::uint64_t counter() {
    std::uint64_t ticks;
    if (counts_cycles) {
        asm volatile("rdcycle %0" : "=r"(ticks) : : "memory");
    } else {
        asm volatile("rdtime %0" : "=r"(ticks) : : "memory");
    }
    return ticks;
}

// The device tree's model says "qemu": times are the emulator's.
[[nodiscard]] inline bool emulated() {
    char model[K_ENVVALUEMAX];
    for (const char* at = environment_text("model", model, ""); *at != '\0'; ++at) {
        if (at[0] == 'q' && at[1] == 'e' && at[2] == 'm' && at[3] == 'u') {
            return true;
        }
    }
    return false;
}

// lui zero, 0x5e000 | Id: four bytes that do nothing but in the counting plugin.
template <unsigned Id>
[[gnu::always_inline]] inline void marker() {
    static_assert(Id <= 0xfff);
    asm volatile("lui zero, %0" : : "i"(0x5e000 | Id) : "memory");
}

// pause (Zihintpause), by its bits: a processor without it sees a fence that orders nothing.
// The compiler takes the value for used; no instruction.
[[gnu::always_inline]] inline void use(std::uint64_t value) { asm volatile("" : : "r"(value)); }

[[gnu::always_inline]] inline void relax() { asm volatile(".4byte 0x0100000f" : : : "memory"); }

} // namespace chorale::machine
