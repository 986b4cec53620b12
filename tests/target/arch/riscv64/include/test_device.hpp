// A device that interrupts a thousand times a second while it is acknowledged: the Goldfish clock of QEMU's
// virt board, whose line is triggered by its level.
#pragma once

#include <dki/f_dki.h>
#include <lap/chLap.h>

#include <cstdint>

namespace chorale::test {

class TestDevice {
  public:
    static constexpr CpuIntr line = 11;

    // False: this machine has none. A register that is not there is an exception, which the LAP survives.
    [[nodiscard]] static bool find() {
        if (registers != nullptr) return true;
        constexpr PhAddr place = 0x101000;
        auto* const mapped = static_cast<volatile std::uint32_t*>(svMemMap(place, 4096));
        KnLapDesc probe{};
        if (mapped == nullptr || svLapCreate(K_MYACTOR, look, nullptr, K_LAP_SETJMP, &probe) != K_OK)
            return false;
        const bool there = lapInvoke(&probe, const_cast<std::uint32_t*>(mapped)) == K_OK;
        svLapDelete(&probe);
        if (there) registers = mapped;
        return there;
    }
    static void start() {
        registers[clear_interrupt] = 1;
        registers[enabled] = 1;
        set_alarm();
    }
    static void stop() {
        registers[enabled] = 0;
        registers[clear_alarm] = 1;
        registers[clear_interrupt] = 1;
    }
    static void acknowledge() {
        registers[clear_interrupt] = 1;
        set_alarm();
    }

  private:
    enum Register : unsigned {
        time_low,
        time_high,
        alarm_low,
        alarm_high,
        enabled,
        clear_alarm,
        alarm_status,
        clear_interrupt
    };
    static inline volatile std::uint32_t* registers = nullptr;

    static void look(void* address, void*) {
        static_cast<void>(*static_cast<volatile std::uint32_t*>(address));
    }
    static void set_alarm() {
        constexpr std::uint64_t period = 1'000'000; // nanoseconds
        const std::uint64_t low = registers[time_low];
        const std::uint64_t due = (std::uint64_t{registers[time_high]} << 32 | low) + period;
        registers[alarm_high] = static_cast<std::uint32_t>(due >> 32);
        registers[alarm_low] = static_cast<std::uint32_t>(due);
    }
};

} // namespace chorale::test
