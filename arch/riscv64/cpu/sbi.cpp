#include "arch/riscv64/cpu/sbi.hpp"

namespace chorale::machine {

namespace {

constexpr SbiExtension known[] = {sbi_time, sbi_ipi, sbi_rfence, sbi_hsm, sbi_reset, sbi_debug_console};

constinit SbiVersion version{};
constinit u32 present = 0; // a bit for each of `known`

enum BaseFunction : u64 {
    get_version = 0,
    get_implementation = 1,
    get_implementation_version = 2,
    probe = 3
};

} // namespace

void sbi_detect() {
    const SbiResult said = sbi_call(sbi_base, get_version);
    if (said.error != sbi_ok) {
        version = {0, 1, 0, 0}; // version 0.1 has no base extension
        return;
    }
    constexpr unsigned major_shift = 24;
    constexpr u32 major_mask = 0x7f, minor_mask = 0xff'ffff;
    const auto word = static_cast<u32>(said.value);
    version = {word >> major_shift & major_mask, word & minor_mask,
               static_cast<u32>(sbi_call(sbi_base, get_implementation).value),
               static_cast<u32>(sbi_call(sbi_base, get_implementation_version).value)};
    u32 bit = 1;
    for (const SbiExtension extension : known) {
        const SbiResult there = sbi_call(sbi_base, probe, extension);
        if (there.error == sbi_ok && there.value != 0) present |= bit;
        bit <<= 1;
    }
}

bool sbi_has(SbiExtension extension) {
    u32 bit = 1;
    for (const SbiExtension each : known) {
        if (each == extension) return (present & bit) != 0;
        bit <<= 1;
    }
    return version.major == 0 && version.minor == 1; // one of the calls of that version
}

const SbiVersion& sbi_version() { return version; }

} // namespace chorale::machine
