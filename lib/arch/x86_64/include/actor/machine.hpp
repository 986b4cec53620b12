// What actors ask of the processor: the cycle counter and the marker no-ops that the instruction counter
// sees.
#pragma once

#include <cstdint>

namespace chorale::machine {

inline constexpr const char* name = "x86_64";

[[nodiscard]] constexpr const char* counter_name() { return "tsc"; }

// The compiler does not move memory accesses over it.
[[nodiscard, gnu::always_inline]] inline std::uint64_t counter() {
    std::uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return static_cast<std::uint64_t>(high) << 32 | low;
}

struct Cpuid {
    std::uint32_t eax, ebx, ecx, edx;
};

[[nodiscard]] inline Cpuid cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
    Cpuid r{};
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

// CPUID says "hypervisor present": times are the emulator's or a virtual machine's.
[[nodiscard]] inline bool emulated() { return (cpuid(1).ecx >> 31 & 1) != 0; }

// nopl 0x5e14<Id>(%rax): seven bytes that do nothing but in the counting plugin.
template <unsigned Id>
[[gnu::always_inline]] inline void marker() {
    static_assert(Id <= 0xffff);
    asm volatile(".byte 0x0f, 0x1f, 0x80, %c0, %c1, 0x14, 0x5e" : : "i"(Id & 0xff), "i"(Id >> 8) : "memory");
}

// The compiler takes the value for used; no instruction.
[[gnu::always_inline]] inline void use(std::uint64_t value) { asm volatile("" : : "r"(value)); }

[[gnu::always_inline]] inline void relax() { asm volatile("pause" : : : "memory"); }

} // namespace chorale::machine
