// From the root pointer to the tables: find them, check them, hand each to its reader.
#include "kernel/boot/acpi.hpp"

#include "kernel/boot/acpi_tables.hpp"

namespace chorale::boot::acpi {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view root_signature = "RSD PTR "sv;
constexpr std::size_t root_size_v1 = 20;
constexpr std::size_t root_size_v2 = 36;
constexpr std::size_t root_size_limit = 4096;
constexpr std::size_t secondary_limit = 32;

[[nodiscard]] bool sums_to_zero(Bytes bytes) {
    std::uint8_t sum = 0;
    for (const std::byte byte : bytes) sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(byte));
    return sum == 0;
}

[[nodiscard]] std::string_view signature_of(Bytes table) { return characters(slice(table, 0, 4)); }

[[nodiscard]] Bytes map_exactly(Map map, std::uint64_t physical, std::size_t length) {
    if (physical == 0 || physical > ~std::uint64_t{0} - length) return {};
    const Bytes bytes = map(physical, length);
    return bytes.size() < length ? Bytes{} : slice(bytes, 0, length);
}

// The header of a table at an address, or empty with a warning.
[[nodiscard]] Bytes map_header(std::uint64_t physical, Map map, Report report) {
    const Bytes header = map_exactly(map, physical, table_header_size);
    if (header.empty()) report({{}, "table out of reach"sv, physical});
    return header;
}

// The whole table whose header is given, or empty with a warning.
[[nodiscard]] Bytes map_table(std::uint64_t physical, Bytes header, Map map, Report report) {
    const std::uint32_t length = load<std::uint32_t>(header, 4);
    if (length < table_header_size || length > table_length_limit) {
        report({signature_of(header), "bad length"sv, length});
        return {};
    }
    const Bytes table = map_exactly(map, physical, length);
    if (table.empty()) {
        report({signature_of(header), "table out of reach"sv, physical});
        return {};
    }
    if (!sums_to_zero(table)) {
        report({signature_of(header), "bad checksum"sv, physical});
        return {};
    }
    return table;
}

[[nodiscard]] Bytes load_table(std::uint64_t physical, std::string_view signature, Map map, Report report) {
    const Bytes header = map_header(physical, map, report);
    if (header.empty()) return {};
    if (signature_of(header) != signature) {
        report({signature, "other table in its place"sv, physical});
        return {};
    }
    return map_table(physical, header, map, report);
}

// The XSDT or RSDT: a header and addresses of 8 or 4 bytes.
struct RootTable {
    Bytes table;
    std::size_t entry_size = 0;

    [[nodiscard]] std::size_t count() const { return (table.size() - table_header_size) / entry_size; }
    [[nodiscard]] std::uint64_t entry(std::size_t index) const {
        const std::size_t offset = table_header_size + index * entry_size;
        return entry_size == 8 ? load<std::uint64_t>(table, offset) : load<std::uint32_t>(table, offset);
    }
};

[[nodiscard]] RootTable load_root_table(Bytes root, Map map, Report report) {
    constexpr std::size_t rsdt_field = 16;
    constexpr std::size_t xsdt_field = 24;
    const std::uint8_t revision = load<std::uint8_t>(root, 15);
    if (revision >= 2) {
        const std::uint32_t length = load<std::uint32_t>(root, 20);
        if (length < root_size_v2 || length > root.size() || !sums_to_zero(slice(root, 0, length))) {
            report({"RSDP"sv, "bad extended checksum"sv, length});
        } else if (const std::uint64_t xsdt = load<std::uint64_t>(root, xsdt_field); xsdt != 0) {
            if (const Bytes table = load_table(xsdt, "XSDT"sv, map, report); !table.empty())
                return {table, 8};
        }
    }
    const Bytes table = load_table(load<std::uint32_t>(root, rsdt_field), "RSDT"sv, map, report);
    return {table, 4};
}

// What the root table leads to. The order there is the firmware's; the order of reading is ours.
struct Tables {
    Bytes madt;
    Bytes mcfg;
    Bytes hpet;
    Bytes fadt;
    Bytes srat;
    List<Bytes, secondary_limit> secondary;

    [[nodiscard]] Bytes* place(std::string_view signature) {
        return signature == "APIC"sv   ? &madt
               : signature == "MCFG"sv ? &mcfg
               : signature == "HPET"sv ? &hpet
               : signature == "FACP"sv ? &fadt
               : signature == "SRAT"sv ? &srat
                                       : nullptr;
    }
};

void gather(const RootTable& root, Map map, Report report, Tables& tables) {
    std::size_t count = root.count();
    if (count > root_entry_limit) {
        report({signature_of(root.table), "too many tables"sv, count});
        count = root_entry_limit;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t physical = root.entry(i);
        if (physical == 0) continue;
        const Bytes header = map_header(physical, map, report);
        const std::string_view signature = signature_of(header);
        Bytes* const place = tables.place(signature);
        if (place != nullptr && !place->empty()) {
            report({signature, "second table ignored"sv, physical});
        } else if (place != nullptr) {
            *place = map_table(physical, header, map, report);
        } else if (signature == "SSDT"sv) {
            if (const Bytes table = map_table(physical, header, map, report); !table.empty())
                tables.secondary.add(table);
        }
    }
}

// The DSDT usually has `_S5_`; some firmware puts it in an SSDT.
void read_soft_off(const Tables& tables, Map map, Report report, Fixed& fixed) {
    if (fixed.dsdt != 0) fixed.soft_off = find_soft_off(load_table(fixed.dsdt, "DSDT"sv, map, report));
    for (const Bytes table : tables.secondary.all())
        if (!fixed.soft_off) fixed.soft_off = find_soft_off(table);
    if (!fixed.soft_off && !fixed.hardware_reduced) report({"DSDT"sv, "no soft-off state"sv, fixed.dsdt});
}

} // namespace

std::size_t AcpiInfo::enabled_cpus() const {
    std::size_t count = 0;
    for (const Cpu& cpu : cpus.all()) count += cpu.enabled ? 1 : 0;
    return count;
}

bool parse(Bytes root_pointer, Map map, Report report, AcpiInfo& info) {
    constexpr std::uint64_t usual_local_apic = 0xfee0'0000;
    info.local_apic = usual_local_apic;
    if (root_pointer.size() < root_size_v1 || !characters(root_pointer).starts_with(root_signature) ||
        !sums_to_zero(slice(root_pointer, 0, root_size_v1))) {
        report({"RSDP"sv, "bad root pointer"sv, root_pointer.size()});
        return false;
    }
    const RootTable root = load_root_table(root_pointer, map, report);
    if (root.table.empty()) return false;

    Tables tables;
    gather(root, map, report, tables);
    if (!tables.madt.empty()) read_madt(tables.madt, report, info);
    if (!tables.mcfg.empty()) read_mcfg(tables.mcfg, report, info);
    if (!tables.hpet.empty()) read_hpet(tables.hpet, report, info);
    if (!tables.srat.empty()) read_srat(tables.srat, report, info);
    if (!tables.fadt.empty()) {
        read_fadt(tables.fadt, report, info);
        if (info.fixed) read_soft_off(tables, map, report, *info.fixed);
    }
    return true;
}

bool parse(std::uint64_t root_pointer, Map map, Report report, AcpiInfo& info) {
    Bytes root = map_exactly(map, root_pointer, root_size_v1);
    // Only a revision 2 pointer says how long it is; a longer read of an old one may leave its memory.
    if (load<std::uint8_t>(root, 15) >= 2) {
        const Bytes longer = map_exactly(map, root_pointer, root_size_v2);
        const std::uint32_t length = load<std::uint32_t>(longer, 20);
        if (length >= root_size_v2 && length <= root_size_limit)
            root = map_exactly(map, root_pointer, length);
    }
    return parse(root, map, report, info);
}

std::uint64_t find_root_pointer(Map map) {
    constexpr std::uint64_t extended_data_pointer = 0x40e; // its segment, in the BIOS data area
    constexpr std::size_t step = 16;
    const auto search = [map](std::uint64_t begin, std::size_t length) -> std::uint64_t {
        const Bytes area = map_exactly(map, begin, length);
        for (std::size_t offset = 0; offset + root_size_v1 <= area.size(); offset += step) {
            const Bytes candidate = slice(area, offset, root_size_v1);
            if (characters(candidate).starts_with(root_signature) && sums_to_zero(candidate))
                return begin + offset;
        }
        return 0;
    };
    const std::uint64_t extended =
        std::uint64_t{load<std::uint16_t>(map_exactly(map, extended_data_pointer, 2), 0)} << 4;
    if (extended >= 0x400 && extended < 0xa0000)
        if (const std::uint64_t found = search(extended, 1024); found != 0) return found;
    return search(0xe0000, 0x20000);
}

} // namespace chorale::boot::acpi
