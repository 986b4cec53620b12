#include "arch/riscv64/cpu/sbi.hpp"

namespace chorale::machine {

constinit u32 sbi_present = 0;
constinit bool sbi_old = false;

namespace {

constinit SbiVersion version{};

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
        sbi_old = true;
        return;
    }
    constexpr unsigned major_shift = 24;
    constexpr u32 major_mask = 0x7f, minor_mask = 0xff'ffff;
    const auto word = static_cast<u32>(said.value);
    version = {word >> major_shift & major_mask, word & minor_mask,
               static_cast<u32>(sbi_call(sbi_base, get_implementation).value),
               static_cast<u32>(sbi_call(sbi_base, get_implementation_version).value)};
    u32 bit = 1;
    for (const SbiExtension extension : sbi_probed) {
        const SbiResult there = sbi_call(sbi_base, probe, extension);
        if (there.error == sbi_ok && there.value != 0) sbi_present |= bit;
        bit <<= 1;
    }
}

const SbiVersion& sbi_version() { return version; }

} // namespace chorale::machine
