#include "arch/riscv64/cpu/features.hpp"

#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/cpu/sbi.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "kernel/base/log.hpp"

#include <machine/cpu.hpp>
#include <machine/fpu.hpp>
#include <machine/mmu.hpp>

namespace chorale::machine {

constinit Features features{};

namespace {

[[nodiscard]] char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

[[nodiscard]] bool same(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

[[nodiscard]] bool usable(const boot::device_tree::Cpu& cpu) {
    return cpu.enabled && cpu.mmu != boot::device_tree::Mmu::none;
}

} // namespace

bool has_extension(std::string_view isa, std::string_view extension) {
    constexpr std::size_t base = 4; // "rv64"
    if (isa.size() < base || !same(isa.substr(0, base), "rv64")) return false;
    isa.remove_prefix(base);
    std::size_t letters = formats::index_of(isa, '_');
    if (letters == isa.npos) letters = isa.size();
    if (extension.size() == 1) {
        for (const char c : isa.substr(0, letters)) {
            if (lower(c) == extension[0] ||
                (lower(c) == 'g' && formats::index_of("imafd", extension[0]) != isa.npos))
                return true;
        }
        return false;
    }
    while (letters < isa.size()) {
        isa.remove_prefix(letters + 1);
        letters = formats::index_of(isa, '_');
        if (letters == isa.npos) letters = isa.size();
        if (same(isa.substr(0, letters), extension)) return true;
    }
    return false;
}

void detect_features(const boot::device_tree::Machine& machine, u64 boot_hart) {
    bool found = false;
    features = {true, true, true};
    for (const boot::device_tree::Cpu& cpu : machine.cpus.all()) {
        if (cpu.hart == boot_hart) {
            found = true;
        } else if (!usable(cpu)) {
            continue;
        }
        features.floating_point &= has_extension(cpu.isa, "f") && has_extension(cpu.isa, "d");
        features.sstc &= has_extension(cpu.isa, "sstc");
        features.sv48 &= cpu.mmu == boot::device_tree::Mmu::sv48 || cpu.mmu == boot::device_tree::Mmu::sv57;
        if (!has_extension(cpu.isa, "a") || !has_extension(cpu.isa, "m")) {
            log("boot: hart {} is \"{}\": the nucleus needs rv64ima", cpu.hart, cpu.isa.substr(0, 64));
        }
    }
    if (!found) {
        log("boot: the device tree does not know hart {}, which runs this: nothing is assumed of it",
            boot_hart);
        features = {};
    }
}

void enable_features() {
    CHORALE_WRITE_CSR("sie", 0);
    // SPP: the first SRET goes to user mode. What else is here belongs to others or is off.
    CHORALE_CLEAR_CSR("sstatus",
                      SSTATUS_SIE | SSTATUS_SPP | SSTATUS_SUM | SSTATUS_FS | SSTATUS_VS | SSTATUS_MXR);
    CHORALE_SET_CSR("sstatus", SSTATUS_SPIE);
    constexpr u64 cycle = 1, time = 2, retired = 4;
    CHORALE_WRITE_CSR("scounteren", cycle | time | retired); // as far as the firmware lets them through
    fpu_init_cpu();
    CHORALE_WRITE_CSR("sie", u64{1} << cause_software | u64{1} << cause_timer | u64{1} << cause_external);
}

std::size_t describe_features(char* buffer, std::size_t size) {
    struct {
        bool there;
        std::string_view name;
    } const list[] = {
        {paging.levels == 3, "sv39"},
        {paging.levels == 4, "sv48"},
        {paging.asids > 1, "asid"},
        {features.floating_point, "fpu"},
        {features.sstc, "sstc"},
        {!features.sstc, "sbi-timer"},
        {sbi_has(sbi_hsm), "hsm"},
        {sbi_has(sbi_ipi), "ipi"},
        {sbi_has(sbi_rfence), "rfence"},
        {sbi_has(sbi_reset), "srst"},
        {sbi_has(sbi_debug_console), "dbcn"},
    };
    std::size_t used = 0;
    for (const auto& feature : list) {
        if (!feature.there || feature.name.size() + 1 > size - used) continue;
        if (used != 0) buffer[used++] = ' ';
        for (const char c : feature.name) buffer[used++] = c;
    }
    return used;
}

std::size_t describe_cpu(char* buffer, std::size_t size) {
    std::size_t used = 0;
    for (const char c : firmware().model) {
        if (used == size) break;
        buffer[used++] = c >= ' ' && c <= '~' ? c : '?';
    }
    return used;
}

extern "C" u64 chorale_probe_cycle(); // 1: it can be read

const char* user_counter() { return chorale_probe_cycle() != 0 ? "cycle" : "time"; }

u64 random_seed() {
    static constinit u64 pool = 0x9e37'79b9'7f4a'7c15;
    for (const std::byte byte : firmware().random_seed)
        pool = (pool ^ static_cast<u64>(byte)) * 0x100'0000'01b3;
    constexpr int rounds = 64;
    for (int round = 0; round < rounds; ++round) {
        const u64 before = cycles();
        (void)sbi_call(sbi_base, 0); // slow and uneven under every firmware
        pool = (pool ^ (cycles() - before) ^ cycles()) * 0x9e37'79b9'7f4a'7c15;
        pool ^= pool >> 29;
    }
    return pool;
}

} // namespace chorale::machine
