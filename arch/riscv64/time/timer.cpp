// The clock is the time counter; the alarm of this hart is stimecmp (Sstc), else the firmware's timer.
#include "arch/riscv64/cpu/features.hpp"
#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/cpu/sbi.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "arch/riscv64/time/clock.hpp"
#include "kernel/base/log.hpp"

#include <machine/timer.hpp>

#include <algorithm>

namespace chorale::machine {

constinit Clock clock{};

namespace {

constexpr u64 giga = 1'000'000'000, never = ~u64{0};
constinit u64 ticks_per_ns = 0; // with fraction_bits behind the point
constexpr unsigned fraction_bits = 60, whole_bits = 64 - fraction_bits;
// 36 years: an alarm for later comes then, and the next one is set.
constexpr u64 longest_distance = never >> whole_bits;

// value * 2^shift / divisor, by long division: the compiler's 128-bit one is a library call.
[[nodiscard]] u64 shifted_ratio(u64 value, unsigned shift, u64 divisor) {
    u64 quotient = value / divisor, rest = value % divisor;
    for (; shift != 0; --shift) {
        const bool carry = rest >> 63 != 0;
        rest <<= 1;
        quotient <<= 1;
        if (carry || rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
    }
    return quotient;
}

void set_alarm(u64 ticks) {
    if (features.sstc) {
        CHORALE_WRITE_CSR(CHORALE_CSR_stimecmp, ticks);
    } else if (sbi_has(sbi_time)) {
        (void)sbi_call(sbi_time, 0, ticks);
    } else {
        (void)sbi_legacy(sbi_legacy_set_timer, ticks);
    }
}

} // namespace

void clock_start() {
    constexpr u64 slowest = 1'000, fastest = 10 * giga;
    const u64 frequency = firmware().timebase_frequency;
    if (frequency < slowest || frequency > fastest) {
        panic("boot: the device tree has no usable timebase-frequency", frequency);
    }
    clock.start = cycles();
    clock.frequency = frequency;
    clock.multiplier = shifted_ratio(giga, 32, frequency);
    ticks_per_ns = shifted_ratio(frequency, fraction_bits, giga) + 1; // rounded up: never early by it
    clock.source = features.sstc ? "Sstc" : sbi_has(sbi_time) ? "SBI TIME" : "SBI 0.1";
    if (!features.sstc) log("timer: no Sstc: the alarm is set through the firmware ({})", clock.source);
    if (!features.sstc && !sbi_has(sbi_time) && !sbi_has(sbi_legacy_set_timer)) {
        panic("boot: neither Sstc nor a timer of the firmware's");
    }
    cancel_deadline();
}

void set_deadline(u64 deadline) {
    const u64 present = cycles();
    const u64 now_at = nanoseconds(present);
    // From the distance: the two conversions are not exact inverses, and over months that would add up.
    // Rounded up: never early by rounding.
    const u64 distance = deadline > now_at ? std::min(deadline - now_at, longest_distance) : 0;
    // The upper half of the product, which is one instruction.
    const auto ticks = static_cast<unsigned __int128>(distance << whole_bits) * ticks_per_ns >> 64;
    set_alarm(present + static_cast<u64>(ticks) + 1);
}

void cancel_deadline() { set_alarm(never); }

} // namespace chorale::machine
