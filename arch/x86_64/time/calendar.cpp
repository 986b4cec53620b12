// The battery clock: the CMOS clock of the PC, read once at boot.
#include "kernel/time/calendar.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "arch/x86_64/platform/firmware.hpp"

#include <machine/cpu.hpp>
#include <machine/timer.hpp>

namespace chorale::machine {

namespace {

constexpr u16 index_port = 0x70, data_port = 0x71;
enum Register : u8 {
    second = 0,
    minute = 2,
    hour = 4,
    day = 7,
    month = 8,
    year = 9,
    status_a = 10,
    status_b = 11
};
constexpr unsigned updating = 0x80, binary = 4, hours_24 = 2, afternoon = 0x80;

[[nodiscard]] unsigned read(u8 which) {
    constexpr u8 no_nmi = 0x80; // the bit that goes with the index
    out8(index_port, which | no_nmi);
    const unsigned value = in8(data_port);
    out8(index_port, 0); // NMIs again
    return value;
}

struct Reading {
    unsigned value[7]; // second to year, and century
    friend bool operator==(const Reading&, const Reading&) = default;
};

// Once a second the registers change, not all at once: the clock says so shortly before.
[[nodiscard]] Reading read_all(u8 century) {
    constexpr unsigned patience = 10'000; // more than the two milliseconds that a change may take
    for (unsigned i = 0; i < patience && (read(status_a) & updating) != 0; ++i) relax();
    const u8 registers[6] = {second, minute, hour, day, month, year};
    Reading reading{};
    for (unsigned i = 0; i < 6; ++i) reading.value[i] = read(registers[i]);
    if (century != 0) reading.value[6] = read(century);
    return reading;
}

[[nodiscard]] unsigned decimal(unsigned bcd) { return (bcd >> 4) * 10 + (bcd & 15); }

} // namespace

u64 calendar() {
    if (firmware().fixed && firmware().fixed->no_calendar) return 0;
    constexpr u8 cmos_end = 128;
    const u8 reported = firmware().fixed ? firmware().fixed->century : u8{0};
    const u8 century = reported < cmos_end ? reported : u8{0};
    Reading reading = read_all(century);
    for (int attempt = 0; attempt < 3; ++attempt) { // the same twice: no change was under way
        const Reading again = read_all(century);
        if (again == reading) break;
        reading = again;
    }
    const unsigned form = read(status_b);
    const bool pm = (reading.value[2] & afternoon) != 0 && (form & hours_24) == 0;
    if ((form & hours_24) == 0) reading.value[2] &= ~afternoon;
    if ((form & binary) == 0)
        for (unsigned& value : reading.value) value = decimal(value);
    const auto [s, min, h, d, mon, y, c] = reading.value;
    const unsigned hours = (form & hours_24) != 0 ? h : h % 12 + (pm ? 12 : 0);
    constexpr unsigned first_year = 70; // two digits alone are of 1970 to 2069
    const unsigned full_year = century != 0 ? c * 100 + y : y + (y < first_year ? 2000 : 1900);
    constexpr u64 giga = 1'000'000'000;
    return seconds_since_1970({full_year, mon, d, hours, min, s}).value_or(0) * giga;
}

} // namespace chorale::machine
