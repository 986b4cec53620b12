// CPUID, and the control register bits that follow from it.
#include "arch/x86_64/cpu/features.hpp"

#include "arch/x86_64/cpu/registers.hpp"
#include "kernel/base/log.hpp"

#include <machine/asm.h>
#include <machine/cpu.hpp>
#include <machine/fpu.hpp>

namespace chorale::machine {

constinit Features features{};

namespace {

[[nodiscard]] bool bit(u32 word, unsigned number) { return ((word >> number) & 1u) != 0; }

void detect_extended_state(const CpuId& one) {
    features.xsave_size = 512;
    if (!bit(one.ecx, 26) || cpu_id(0).eax < 0xd) return;
    constexpr u64 x87 = 1, sse = 2, avx = 4, avx512 = 0xe0;
    const CpuId state = cpu_id(0xd);
    const u64 offered = (u64{state.edx} << 32) | state.eax;
    features.xsave = (offered & (x87 | sse)) == (x87 | sse);
    if (!features.xsave) return;
    features.avx = bit(one.ecx, 28) && (offered & avx) != 0;
    features.avx512 = features.avx && (offered & avx512) == avx512;
    features.xsave_mask = x87 | sse | (features.avx ? avx : 0) | (features.avx512 ? avx512 : 0);
    features.xsave_size = 576; // the legacy area and the header
    for (u32 component = 2; component < 8; ++component) {
        if (((features.xsave_mask >> component) & 1) == 0) continue;
        const CpuId place = cpu_id(0xd, component);
        const u32 end = place.ebx + place.eax;
        if (end > features.xsave_size) features.xsave_size = end;
    }
}

void detect_frequency(u32 leaves) {
    if (leaves >= 0x15) {
        const CpuId crystal = cpu_id(0x15);
        if (crystal.eax != 0 && crystal.ebx != 0 && crystal.ecx != 0) {
            features.tsc_khz_from_id = static_cast<u32>(u64{crystal.ecx} * crystal.ebx / crystal.eax / 1000);
        }
    }
    if (features.tsc_khz_from_id == 0 && leaves >= 0x16 && features.invariant_tsc) {
        features.tsc_khz_from_id = (cpu_id(0x16).eax & 0xffff) * 1000;
    }
    if (features.hypervisor && cpu_id(0x4000'0000).eax >= 0x4000'0010) {
        const u32 khz = cpu_id(0x4000'0010).eax;
        if (khz != 0) features.tsc_khz_from_id = khz;
    }
    constexpr u32 lowest = 100'000, highest = 10'000'000;
    if (features.tsc_khz_from_id < lowest || features.tsc_khz_from_id > highest) features.tsc_khz_from_id = 0;
}

} // namespace

void detect_features() {
    const u32 leaves = cpu_id(0).eax;
    const CpuId one = cpu_id(1);
    const CpuId seven = leaves >= 7 ? cpu_id(7) : CpuId{};
    const u32 extended_leaves = cpu_id(0x8000'0000).eax;
    const CpuId extended = extended_leaves >= 0x8000'0001 ? cpu_id(0x8000'0001) : CpuId{};
    features.nx = bit(extended.edx, 20);
    if (!features.nx) panic("this CPU (or its firmware's set-up) has no NX, which Chorale needs");
    if (!bit(one.edx, 24) || !bit(one.edx, 9)) panic("this CPU has no FXSAVE or no local APIC");
    features.smep = bit(seven.ebx, 7);
    features.smap = bit(seven.ebx, 20);
    features.umip = bit(seven.ecx, 2);
    features.pcid = bit(one.ecx, 17);
    features.invpcid = features.pcid && bit(seven.ebx, 10);
    features.fsgsbase = bit(seven.ebx, 0);
    features.global_pages = bit(one.edx, 13);
    features.x2apic = bit(one.ecx, 21);
    features.tsc_deadline = bit(one.ecx, 24);
    features.large_1g = bit(extended.edx, 26);
    features.rdrand = bit(one.ecx, 30);
    features.rdseed = bit(seven.ebx, 18);
    features.machine_check = bit(one.edx, 7);
    features.hypervisor = bit(one.ecx, 31);
    features.invariant_tsc = extended_leaves >= 0x8000'0007 && bit(cpu_id(0x8000'0007).edx, 8);
    detect_extended_state(one);
    detect_frequency(leaves);
}

void enable_features() {
    constexpr u64 no_execute = 0x800, system_call = 1;
    write_msr(Msr::efer, read_msr(Msr::efer) | no_execute | system_call);
    write_cr0(cr0::protection | cr0::monitor | cr0::type | cr0::numeric_error | cr0::write_protect |
              cr0::paging);
    u64 bits = cr4::physical_extension | cr4::fxsave | cr4::simd_exceptions;
    if (features.machine_check) bits |= cr4::machine_check;
    if (features.global_pages) bits |= cr4::global_pages;
    if (features.umip) bits |= cr4::umip;
    if (features.fsgsbase) bits |= cr4::fsgsbase;
    if (features.pcid) bits |= cr4::pcid; // CR3 holds PCID 0 now, as it must
    if (features.xsave) bits |= cr4::xsave;
    if (features.smep) bits |= cr4::smep;
    if (features.smap) bits |= cr4::smap;
    write_cr4(bits);
    fpu_init_cpu();
}

std::size_t describe_features(char* buffer, std::size_t size) {
    struct {
        bool there;
        std::string_view name;
    } const list[] = {
        {features.nx, "nx"},
        {features.smep, "smep"},
        {features.smap, "smap"},
        {features.umip, "umip"},
        {features.pcid, "pcid"},
        {features.invpcid, "invpcid"},
        {features.fsgsbase, "fsgsbase"},
        {features.global_pages, "pge"},
        {features.large_1g, "1g-pages"},
        {features.xsave, "xsave"},
        {!features.xsave, "fxsave"},
        {features.avx, "avx"},
        {features.avx512, "avx512"},
        {features.x2apic, "x2apic"},
        {!features.x2apic, "xapic"},
        {features.tsc_deadline, "tsc-deadline"},
        {!features.tsc_deadline, "apic-timer"},
        {features.invariant_tsc, "invariant-tsc"},
        {features.rdseed, "rdseed"},
        {features.rdrand, "rdrand"},
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
    if (cpu_id(0x8000'0000).eax < 0x8000'0004) return 0;
    char name[48];
    for (u32 part = 0; part < 3; ++part) {
        const CpuId words = cpu_id(0x8000'0002 + part);
        __builtin_memcpy(name + 16 * part, &words, 16);
    }
    std::size_t used = 0;
    for (const char c : name) {
        if (c == 0 || used == size) break;
        if (c == ' ' && used == 0) continue;
        buffer[used++] = c >= ' ' && c <= '~' ? c : '?';
    }
    return used;
}

u64 random_seed() {
    constexpr int attempts = 64; // either generator may be dry for a moment
    for (int attempt = 0; attempt < attempts; ++attempt) {
        u64 value = 0;
        bool good = false;
        if (features.rdseed) {
            asm volatile("rdseed %0" : "=r"(value), "=@ccc"(good));
        } else if (features.rdrand) {
            asm volatile("rdrand %0" : "=r"(value), "=@ccc"(good));
        } else {
            break;
        }
        if (good) return value;
        relax();
    }
    u64 pool = cycles();
    for (int round = 0; round < attempts; ++round) {
        const u64 before = cycles();
        (void)cpu_id(0); // slow and uneven under every hypervisor
        pool = (pool ^ (cycles() - before)) * 0x9e37'79b9'7f4a'7c15;
        pool ^= pool >> 29;
    }
    return pool;
}

} // namespace chorale::machine
