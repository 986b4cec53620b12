// The cycle counter's frequency comes from CPUID where that is to be believed, else it is measured against
// the HPET, the ACPI timer or the PIT: windows of one millisecond until two in a row agree, at most four.
#include "arch/x86_64/time/calibrate.hpp"

#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/platform/firmware.hpp"
#include "arch/x86_64/trap/apic.hpp"
#include "kernel/base/log.hpp"

#include <machine/mmu.hpp>
#include <machine/timer.hpp>

namespace chorale::machine {

constinit Clock clock{};
constinit u64 alarm_ticks_per_ns = 0;

namespace {

constexpr u64 giga = 1'000'000'000;

// A counter of known speed. It counts up and wraps at `mask`.
struct Reference {
    const char* name;
    u64 frequency;
    u32 mask;
    u32 (*read)();
};

constinit volatile u32* hpet = nullptr;
constinit u16 pm_timer_port = 0;

u32 read_hpet() { return read_device(hpet + 0xf0 / 4); }
u32 read_pm_timer() { return in32(pm_timer_port); }

constexpr u16 pit_channel_2 = 0x42, pit_command = 0x43, speaker = 0x61;

u32 read_pit() {
    out8(pit_command, 0x80); // latch channel 2
    const u32 low = in8(pit_channel_2);
    return ~(low | u32{in8(pit_channel_2)} << 8); // it counts down
}

[[nodiscard]] bool find_hpet(Reference& reference) {
    if (!firmware().hpet) return false;
    hpet = static_cast<volatile u32*>(map_device(PhysAddr{firmware().hpet->address}, 1024));
    if (hpet == nullptr) return false;
    constexpr u32 longest_period = 100'000'000;
    constexpr u64 femtoseconds = 1'000'000'000'000'000;
    const u32 period = read_device(hpet + 1);
    if (period == 0 || period > longest_period) return false;
    write_device(hpet + 4, read_device(hpet + 4) | 1); // run
    reference = {"HPET", femtoseconds / period, 0xffff'ffff, read_hpet};
    return true;
}

[[nodiscard]] bool find_pm_timer(Reference& reference) {
    if (!firmware().fixed) return false;
    const boot::acpi::Register& timer = firmware().fixed->pm_timer;
    if (!timer || timer.space != boot::acpi::Space::io || timer.address > 0xffff) return false;
    pm_timer_port = static_cast<u16>(timer.address);
    reference = {"ACPI timer", 3'579'545, firmware().fixed->pm_timer_wide ? 0xffff'ffffu : 0xff'ffffu,
                 read_pm_timer};
    return true;
}

[[nodiscard]] bool find_pit(Reference& reference) {
    out8(speaker, (in8(speaker) & ~2) | 1); // gate of channel 2 open, speaker off
    out8(pit_command, 0xb0);                // channel 2, low then high byte, count down once
    out8(pit_channel_2, 0xff);
    out8(pit_channel_2, 0xff);
    reference = {"PIT", 1'193'182, 0xffff, read_pit};
    return true;
}

struct Sample {
    u64 cycle;
    u32 tick, alarm;
};

// The reading that was interrupted least, of a few.
[[nodiscard]] Sample sample(const Reference& reference) {
    Sample best{};
    u64 narrowest = ~u64{0};
    for (int attempt = 0; attempt < 3; ++attempt) {
        const u64 before = cycles();
        const u32 tick = reference.read();
        const u32 alarm = apic_timer_left();
        const u64 width = cycles() - before;
        if (width >= narrowest) continue;
        narrowest = width;
        best = {before + width / 2, tick, alarm};
    }
    return best;
}

// False: the counter stands still.
[[nodiscard]] bool wait(const Reference& reference, const Sample& from, u32 ticks) {
    constexpr u64 patience = 400'000'000; // cycles: 40 ms and more on any CPU
    while (((reference.read() - from.tick) & reference.mask) < ticks) {
        if (cycles() - from.cycle > patience) return false;
        relax();
    }
    return true;
}

// value * numerator / denominator without losing the high half. The result must fit.
[[nodiscard]] u64 scale(u64 value, u64 numerator, u64 denominator) {
    const auto product = static_cast<unsigned __int128>(value) * numerator;
    u64 quotient, remainder;
    asm("divq %4"
        : "=a"(quotient), "=d"(remainder)
        : "a"(static_cast<u64>(product)), "d"(static_cast<u64>(product >> 64)), "r"(denominator)
        : "cc");
    return quotient;
}

struct Measured {
    u64 cycle_frequency, alarm_frequency;
};

[[nodiscard]] Measured evaluate(const Reference& reference, const Sample& from, const Sample& to) {
    const u32 ticks = (to.tick - from.tick) & reference.mask;
    if (ticks == 0) return {};
    return {scale(to.cycle - from.cycle, reference.frequency, ticks),
            scale(from.alarm - to.alarm, reference.frequency, ticks)};
}

[[nodiscard]] bool agree(u64 a, u64 b) {
    constexpr u64 parts = 2000;
    const u64 difference = a > b ? a - b : b - a;
    return difference <= a / parts;
}

[[nodiscard]] bool measure(const Reference& reference, Measured& result) {
    const u32 millisecond = static_cast<u32>(reference.frequency / 1000);
    const Sample start = sample(reference);
    Sample last = start;
    u64 previous = 0;
    for (int window = 0; window < 4; ++window) {
        if (!wait(reference, last, millisecond)) return false;
        const Sample now_at = sample(reference);
        const u64 frequency = evaluate(reference, last, now_at).cycle_frequency;
        last = now_at;
        if (previous != 0 && agree(frequency, previous)) break;
        previous = frequency;
    }
    result = evaluate(reference, start, last);
    return result.cycle_frequency != 0;
}

// In tenths of a microsecond.
u32 read_own_clock() { return static_cast<u32>(scale(cycles(), 10'000, features.tsc_khz_from_id)); }

// Fills `clock`'s frequency and source; returns the APIC timer's frequency.
[[nodiscard]] u64 find_frequencies() {
    Measured measured{};
    if (features.tsc_khz_from_id != 0) {
        clock.frequency = u64{features.tsc_khz_from_id} * 1000;
        clock.source = "CPUID";
        if (features.tsc_deadline) return 0;
        const Reference own{"CPUID", 10'000'000, 0xffff'ffff, read_own_clock};
        if (measure(own, measured)) return measured.alarm_frequency;
        panic("boot: the APIC timer cannot be measured");
    }
    bool (*const finders[])(Reference&) = {find_hpet, find_pm_timer, find_pit};
    for (auto* const find : finders) {
        Reference reference{};
        if (!find(reference) || !measure(reference, measured)) continue;
        clock.frequency = measured.cycle_frequency;
        clock.source = reference.name;
        return measured.alarm_frequency;
    }
    panic("boot: no timer to measure the CPU's clock with");
}

} // namespace

void clock_start() {
    apic_timer_silent(true);
    apic_set_timer(~u32{0});
    clock.start = cycles();
    const u64 alarm_frequency = find_frequencies();
    apic_set_timer(0);
    apic_timer_silent(false);
    clock.multiplier = scale(giga, u64{1} << 32, clock.frequency);
    if (features.tsc_deadline) apic_use_deadline_mode();
    const u64 ticks = features.tsc_deadline ? clock.frequency : alarm_frequency;
    require(ticks != 0, "boot: the APIC timer does not run");
    alarm_ticks_per_ns = scale(ticks, u64{1} << alarm_fraction_bits, giga);
}

} // namespace chorale::machine
