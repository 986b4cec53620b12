// The ACPI tables that a nucleus needs: CPUs, interrupt controllers, timers, PCI configuration, power-off.
// Invariant: every table is reached through the map callback and used only after its length and checksum
// hold; every loop is bounded by a length or by a limit below.
#pragma once

#include "formats/bytes.hpp"
#include "formats/callback.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace chorale::boot::acpi {

using namespace formats;

// A fixed-capacity list; what does not fit is counted, never written.
template <class Element, std::size_t limit>
struct List {
    std::array<Element, limit> table{};
    std::uint32_t count = 0;
    std::uint32_t dropped = 0;

    bool add(const Element& element) {
        if (count == limit) {
            ++dropped;
            return false;
        }
        table[count++] = element;
        return true;
    }
    [[nodiscard]] std::span<const Element> all() const { return {table.data(), count}; }
    [[nodiscard]] std::span<Element> all() { return {table.data(), count}; }
};

struct Cpu {
    std::uint32_t apic_id = 0;
    std::uint32_t processor = 0; // the firmware's name of the CPU, what local NMI entries refer to
    std::uint32_t domain = 0;    // proximity domain from the SRAT
    bool enabled = false;
    bool online_capable = false; // not there now, may be plugged in
};

struct IoApic {
    std::uint32_t address = 0;
    std::uint32_t first_interrupt = 0;
    std::uint8_t id = 0;
};

enum class Polarity : std::uint8_t { bus_default, high, low };
enum class Trigger : std::uint8_t { bus_default, edge, level };

struct InterruptOverride {
    std::uint32_t interrupt = 0; // global system interrupt that ISA line `source` is wired to
    std::uint8_t source = 0;
    Polarity polarity = Polarity::bus_default;
    Trigger trigger = Trigger::bus_default;
};

inline constexpr std::uint32_t every_processor = 0xffff'ffff;

// Where an NMI comes in: `pin` is LINT 0 or 1 of a CPU, or a global system interrupt.
struct NmiSource {
    std::uint32_t processor = 0; // its firmware name, or every_processor
    std::uint32_t pin = 0;
    Polarity polarity = Polarity::bus_default;
    Trigger trigger = Trigger::bus_default;
};

struct PciSegment {
    std::uint64_t base = 0; // of bus 0, whatever first_bus is
    std::uint16_t segment = 0;
    std::uint8_t first_bus = 0;
    std::uint8_t last_bus = 0;
};

struct Hpet {
    std::uint64_t address = 0;
    std::uint16_t minimum_tick = 0;
    std::uint8_t number = 0;
};

enum class Space : std::uint8_t { memory = 0, io = 1, pci = 2 };

struct Register {
    std::uint64_t address = 0; // 0: not there
    Space space = Space::io;
    std::uint8_t width = 0; // in bits

    [[nodiscard]] explicit operator bool() const { return address != 0; }
};

// The two sleep types of `_S5_`, for PM1a and PM1b control.
struct SoftOff {
    std::uint8_t type_a = 0;
    std::uint8_t type_b = 0;
};

struct Fixed {
    std::uint64_t dsdt = 0;
    Register pm_timer;
    Register pm1a_control;
    Register pm1b_control;
    Register reset;
    std::uint32_t smi_command = 0; // I/O port; 0: ACPI mode is always on
    std::uint16_t sci = 0;
    std::uint8_t acpi_enable = 0; // value for smi_command
    std::uint8_t reset_value = 0;
    std::uint8_t century = 0;   // CMOS register with the century; 0: none
    bool no_calendar = false;   // there is no CMOS clock
    bool pm_timer_wide = false; // 32 bits, not 24
    bool hardware_reduced = false;
    std::optional<SoftOff> soft_off;
};

struct MemoryAffinity {
    std::uint64_t base = 0;
    std::uint64_t length = 0;
    std::uint32_t domain = 0;
    bool hot_pluggable = false;
};

// All zero when default-constructed, so that a static one takes no room in the nucleus image.
struct AcpiInfo {
    std::uint64_t local_apic = 0; // parse() always gives it a value
    bool has_madt = false;
    bool legacy_pic = false; // 8259s are there and must be masked
    List<Cpu, 64> cpus;      // a hot-plug candidate never takes the place of an enabled one
    List<IoApic, 16> io_apics;
    List<InterruptOverride, 32> overrides;
    List<NmiSource, 32> local_nmis;
    List<NmiSource, 8> nmi_interrupts;
    List<PciSegment, 16> pci_segments;
    List<MemoryAffinity, 64> memory;
    std::optional<Hpet> hpet;
    std::optional<Fixed> fixed;

    [[nodiscard]] std::size_t enabled_cpus() const;
};

// To be printed as `signature: message (value)`.
struct Warning {
    std::string_view signature;
    std::string_view message;
    std::uint64_t value = 0;
};

// Gives `length` readable bytes at a physical address, or an empty span. What it gave must stay readable
// until parse() returns.
using Map = Callback<Bytes(std::uint64_t physical, std::size_t length)>;
using Report = Callback<void(const Warning&)>;

inline constexpr std::size_t table_length_limit = std::size_t{4} << 20;
inline constexpr std::size_t root_entry_limit = 256;

// The root pointer as a copy (Multiboot2 tag) or by its physical address (PVH start information).
// `info` comes default-constructed: it is large, so no second one is made on the boot stack to clear it.
// False when there is no usable root table; warnings say why.
[[nodiscard]] bool parse(Bytes root_pointer, Map map, Report report, AcpiInfo& info);
[[nodiscard]] bool parse(std::uint64_t root_pointer, Map map, Report report, AcpiInfo& info);

// The BIOS way: the first KiB of the extended BIOS data area, then 0xe0000 to 0xfffff. 0: not found.
[[nodiscard]] std::uint64_t find_root_pointer(Map map);

// `_S5_` in a DSDT or SSDT, header included; found by pattern, as no AML is ever run.
[[nodiscard]] std::optional<SoftOff> find_soft_off(Bytes table);

} // namespace chorale::boot::acpi
