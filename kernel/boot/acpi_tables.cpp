// MADT, SRAT, MCFG and HPET: CPUs, interrupt controllers, memory domains, PCI windows, the event timer.
#include "kernel/boot/acpi_tables.hpp"

namespace chorale::boot::acpi {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view madt_name = "APIC"sv;
constexpr std::string_view srat_name = "SRAT"sv;

// The length-prefixed entries of MADT and SRAT: type, length, fields. Ends at the first length that
// cannot be, as nothing behind it can be found.
template <class Visit>
void for_each_entry(Bytes table, std::size_t offset, std::string_view name, Report report, Visit visit) {
    while (offset < table.size()) {
        const std::uint8_t length = load<std::uint8_t>(table, offset + 1);
        if (length < 2 || !fits(offset, length, table.size())) {
            report({name, "bad entry length"sv, length});
            return;
        }
        visit(load<std::uint8_t>(table, offset), slice(table, offset, length));
        offset += length;
    }
}

[[nodiscard]] Polarity polarity_of(std::uint16_t flags) {
    switch (flags & 3) {
    case 1:
        return Polarity::high;
    case 3:
        return Polarity::low;
    default:
        return Polarity::bus_default;
    }
}

[[nodiscard]] Trigger trigger_of(std::uint16_t flags) {
    switch (flags >> 2 & 3) {
    case 1:
        return Trigger::edge;
    case 3:
        return Trigger::level;
    default:
        return Trigger::bus_default;
    }
}

[[nodiscard]] Cpu* find_cpu(AcpiInfo& info, std::uint32_t apic_id) {
    for (Cpu& cpu : info.cpus.all())
        if (cpu.apic_id == apic_id) return &cpu;
    return nullptr;
}

void add_cpu(AcpiInfo& info, std::uint32_t apic_id, std::uint32_t processor, std::uint32_t flags) {
    const Cpu cpu{.apic_id = apic_id,
                  .processor = processor,
                  .enabled = (flags & 1) != 0,
                  .online_capable = (flags & 1) == 0 && (flags & 2) != 0};
    if (!cpu.enabled && !cpu.online_capable) return;
    // Firmware may list a CPU both ways, as a local APIC and as an x2APIC.
    if (Cpu* const known = find_cpu(info, apic_id); known != nullptr) {
        if (cpu.enabled && !known->enabled) *known = cpu;
        return;
    }
    if (info.cpus.add(cpu) || !cpu.enabled) return;
    for (Cpu& candidate : info.cpus.all()) {
        if (!candidate.enabled) {
            candidate = cpu;
            return;
        }
    }
}

void add_io_apic(Bytes entry, Report report, AcpiInfo& info) {
    const IoApic io_apic{.address = load<std::uint32_t>(entry, 4),
                         .first_interrupt = load<std::uint32_t>(entry, 8),
                         .id = load<std::uint8_t>(entry, 2)};
    // The window is 32 bytes; firmware has put several into one page.
    if (io_apic.address == 0 || io_apic.address % 16 != 0) {
        report({madt_name, "bad I/O APIC address"sv, io_apic.address});
        return;
    }
    for (const IoApic& other : info.io_apics.all()) {
        if (other.address == io_apic.address || other.first_interrupt == io_apic.first_interrupt) {
            report({madt_name, "second I/O APIC ignored"sv, io_apic.address});
            return;
        }
    }
    info.io_apics.add(io_apic);
}

void add_override(Bytes entry, Report report, AcpiInfo& info) {
    const std::uint16_t flags = load<std::uint16_t>(entry, 8);
    const InterruptOverride redirection{.interrupt = load<std::uint32_t>(entry, 4),
                                        .source = load<std::uint8_t>(entry, 3),
                                        .polarity = polarity_of(flags),
                                        .trigger = trigger_of(flags)};
    if (load<std::uint8_t>(entry, 2) != 0 || redirection.source > 15) {
        report({madt_name, "override of no ISA line"sv, redirection.source});
        return;
    }
    for (const InterruptOverride& other : info.overrides.all()) {
        if (other.source == redirection.source) {
            report({madt_name, "second override ignored"sv, redirection.source});
            return;
        }
    }
    info.overrides.add(redirection);
}

[[nodiscard]] NmiSource nmi_source(std::uint32_t processor, std::uint32_t pin, std::uint16_t flags) {
    return {.processor = processor, .pin = pin, .polarity = polarity_of(flags), .trigger = trigger_of(flags)};
}

void set_local_apic(std::uint64_t address, Report report, AcpiInfo& info) {
    constexpr std::uint64_t address_limit = std::uint64_t{1} << 52;
    if (address == 0 || address % 4096 != 0 || address >= address_limit)
        report({madt_name, "bad local APIC address"sv, address});
    else
        info.local_apic = address;
}

enum MadtType : std::uint8_t {
    madt_local_apic = 0,
    madt_io_apic = 1,
    madt_override = 2,
    madt_nmi_interrupt = 3,
    madt_local_nmi = 4,
    madt_local_apic_address = 5,
    madt_x2apic = 9,
    madt_x2apic_nmi = 10,
};

// The fixed length of a type that is read here; 0 for all others.
[[nodiscard]] std::size_t madt_entry_size(std::uint8_t type) {
    constexpr std::uint8_t sizes[] = {8, 12, 10, 8, 6, 12, 0, 0, 0, 16, 12};
    return type < sizeof sizes ? sizes[type] : 0;
}

void read_madt_entry(std::uint8_t type, Bytes entry, Report report, AcpiInfo& info) {
    const auto byte = [entry](std::size_t offset) { return load<std::uint8_t>(entry, offset); };
    const auto half = [entry](std::size_t offset) { return load<std::uint16_t>(entry, offset); };
    const auto word = [entry](std::size_t offset) { return load<std::uint32_t>(entry, offset); };
    switch (type) {
    case madt_local_apic:
        if (byte(3) != 0xff) add_cpu(info, byte(3), byte(2), word(4));
        break;
    case madt_x2apic:
        if (word(4) != 0xffff'ffff) add_cpu(info, word(4), word(12), word(8));
        break;
    case madt_io_apic:
        add_io_apic(entry, report, info);
        break;
    case madt_override:
        add_override(entry, report, info);
        break;
    case madt_nmi_interrupt:
        info.nmi_interrupts.add(nmi_source(every_processor, word(4), half(2)));
        break;
    case madt_local_nmi:
        info.local_nmis.add(nmi_source(byte(2) == 0xff ? every_processor : byte(2), byte(5) & 1, half(3)));
        break;
    case madt_x2apic_nmi:
        info.local_nmis.add(nmi_source(word(4), byte(8) & 1, half(2)));
        break;
    case madt_local_apic_address:
        set_local_apic(load<std::uint64_t>(entry, 4), report, info);
        break;
    default:
        break;
    }
}

void add_memory_affinity(Bytes entry, Report report, AcpiInfo& info) {
    const std::uint32_t flags = load<std::uint32_t>(entry, 28);
    const MemoryAffinity memory{.base = load<std::uint64_t>(entry, 8),
                                .length = load<std::uint64_t>(entry, 16),
                                .domain = load<std::uint32_t>(entry, 2),
                                .hot_pluggable = (flags & 2) != 0};
    if ((flags & 1) == 0 || memory.length == 0) return;
    if (memory.base > ~std::uint64_t{0} - memory.length)
        report({srat_name, "memory range wraps"sv, memory.base});
    else
        info.memory.add(memory);
}

void set_domain(AcpiInfo& info, std::uint32_t apic_id, std::uint32_t domain, std::uint32_t flags) {
    if (Cpu* const cpu = find_cpu(info, apic_id); cpu != nullptr && (flags & 1) != 0) cpu->domain = domain;
}

// One warning for a list that was too short, however much did not fit.
template <class Element, std::size_t limit>
void report_dropped(const List<Element, limit>& list, std::string_view name, std::string_view what,
                    Report report) {
    if (list.dropped != 0) report({name, what, list.dropped});
}

} // namespace

Register read_register(Bytes table, std::size_t offset) {
    const std::uint8_t space = load<std::uint8_t>(table, offset);
    const Register place{.address = load<std::uint64_t>(table, offset + 4),
                         .space = static_cast<Space>(space),
                         .width = load<std::uint8_t>(table, offset + 1)};
    if (!fits(offset, 12, table.size()) || space > static_cast<std::uint8_t>(Space::pci) ||
        (place.space == Space::io && place.address > 0xffff))
        return {};
    return place;
}

void read_madt(Bytes table, Report report, AcpiInfo& info) {
    constexpr std::size_t entries = 44;
    if (table.size() < entries) {
        report({madt_name, "table too short"sv, table.size()});
        return;
    }
    info.has_madt = true;
    info.legacy_pic = (load<std::uint32_t>(table, 40) & 1) != 0;
    set_local_apic(load<std::uint32_t>(table, 36), report, info);
    for_each_entry(table, entries, madt_name, report, [&](std::uint8_t type, Bytes entry) {
        if (entry.size() < madt_entry_size(type))
            report({madt_name, "entry too short"sv, type});
        else
            read_madt_entry(type, entry, report, info);
    });
    report_dropped(info.cpus, madt_name, "CPUs ignored"sv, report);
    report_dropped(info.io_apics, madt_name, "I/O APICs ignored"sv, report);
    report_dropped(info.overrides, madt_name, "overrides ignored"sv, report);
    report_dropped(info.local_nmis, madt_name, "NMI pins ignored"sv, report);
    report_dropped(info.nmi_interrupts, madt_name, "NMI interrupts ignored"sv, report);
}

void read_srat(Bytes table, Report report, AcpiInfo& info) {
    constexpr std::size_t entries = 48;
    constexpr std::uint8_t sizes[] = {16, 40, 24}; // local APIC, memory, x2APIC
    if (table.size() < entries) {
        report({srat_name, "table too short"sv, table.size()});
        return;
    }
    for_each_entry(table, entries, srat_name, report, [&](std::uint8_t type, Bytes entry) {
        const auto word = [entry](std::size_t offset) { return load<std::uint32_t>(entry, offset); };
        if (type >= sizeof sizes) return;
        if (entry.size() < sizes[type])
            report({srat_name, "entry too short"sv, type});
        else if (type == 0) // the domain's lowest byte stands apart from the three others
            set_domain(info, load<std::uint8_t>(entry, 3),
                       (word(8) & 0xffff'ff00) | load<std::uint8_t>(entry, 2), word(4));
        else if (type == 1)
            add_memory_affinity(entry, report, info);
        else
            set_domain(info, word(8), word(4), word(12));
    });
    report_dropped(info.memory, srat_name, "memory ranges ignored"sv, report);
}

void read_mcfg(Bytes table, Report report, AcpiInfo& info) {
    constexpr std::size_t entries = 44;
    constexpr std::size_t entry_size = 16;
    constexpr std::uint64_t bus_size = std::uint64_t{1} << 20;
    constexpr std::uint64_t address_limit = std::uint64_t{1} << 52;
    for (std::size_t at = entries; fits(at, entry_size, table.size()); at += entry_size) {
        const PciSegment window{.base = load<std::uint64_t>(table, at),
                                .segment = load<std::uint16_t>(table, at + 8),
                                .first_bus = load<std::uint8_t>(table, at + 10),
                                .last_bus = load<std::uint8_t>(table, at + 11)};
        if (window.base == 0 || window.base % bus_size != 0 || window.first_bus > window.last_bus ||
            !fits(window.base, (window.last_bus + std::uint64_t{1}) * bus_size, address_limit))
            report({"MCFG"sv, "bad PCI window"sv, window.base});
        else
            info.pci_segments.add(window);
    }
    report_dropped(info.pci_segments, "MCFG"sv, "PCI windows ignored"sv, report);
}

void read_hpet(Bytes table, Report report, AcpiInfo& info) {
    constexpr std::uint64_t address_limit = std::uint64_t{1} << 52;
    const Register block = read_register(table, 40);
    if (table.size() < 56 || !block || block.space != Space::memory || block.address % 8 != 0 ||
        block.address >= address_limit) {
        report({"HPET"sv, "bad address"sv, block.address});
        return;
    }
    info.hpet = Hpet{.address = block.address,
                     .minimum_tick = load<std::uint16_t>(table, 53),
                     .number = load<std::uint8_t>(table, 52)};
}

} // namespace chorale::boot::acpi
