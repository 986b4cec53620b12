// The alarm of this CPU: the TSC deadline register, else the APIC's own countdown.
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/time/calibrate.hpp"
#include "arch/x86_64/trap/apic.hpp"

#include <machine/timer.hpp>

namespace chorale::machine {

namespace {

[[nodiscard]] u64 ticks_of(u64 nanoseconds) {
    const auto product = static_cast<unsigned __int128>(nanoseconds) * alarm_ticks_per_ns;
    const auto ticks = product >> alarm_fraction_bits;
    return ticks > (u64{1} << 62) ? u64{1} << 62 : static_cast<u64>(ticks);
}

} // namespace

void set_deadline(u64 deadline) {
    const u64 present = now();
    const u64 ticks =
        (deadline > present ? ticks_of(deadline - present) : 0) + 1; // rounded up: never early by rounding
    if (features.tsc_deadline) {
        write_msr(Msr::tsc_deadline, cycles() + ticks);
    } else {
        constexpr u32 longest = ~u32{0};
        apic_set_timer(ticks < longest ? static_cast<u32>(ticks) : longest);
    }
}

void cancel_deadline() {
    if (features.tsc_deadline) {
        write_msr(Msr::tsc_deadline, 0);
    } else {
        apic_set_timer(0);
    }
}

} // namespace chorale::machine
