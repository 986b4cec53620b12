// FADT and `_S5_`: the power-management timer, reset and the way to switch the machine off.
#include "kernel/boot/acpi_tables.hpp"

namespace chorale::boot::acpi {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view fadt_name = "FACP"sv;

// Revision 2 repeats a 32-bit port as a generic address; that one counts when it is there.
[[nodiscard]] Register either_register(Bytes table, std::size_t generic, std::size_t port,
                                       std::size_t length) {
    if (const Register place = read_register(table, generic); place) return place;
    const std::uint32_t address = load<std::uint32_t>(table, port);
    if (address == 0 || address > 0xffff) return {};
    const std::uint8_t bytes = load<std::uint8_t>(table, length);
    const std::uint8_t width = static_cast<std::uint8_t>(bytes > 8 ? 0 : bytes * 8);
    return {.address = address, .space = Space::io, .width = width};
}

// An AML integer that fits a byte, cut off the front; nothing when it is anything else.
[[nodiscard]] std::optional<std::uint8_t> take_small_integer(Bytes& code) {
    constexpr std::uint8_t byte_prefix = 0x0a;
    constexpr std::uint8_t word_prefix = 0x0b;
    constexpr std::uint8_t double_prefix = 0x0c;
    const std::uint8_t operation = load<std::uint8_t>(code, 0);
    if (code.empty()) return {};
    std::size_t width = 0;
    std::uint32_t value = operation; // ZeroOp and OneOp are their own values
    if (operation == byte_prefix) {
        width = 1;
        value = load<std::uint8_t>(code, 1);
    } else if (operation == word_prefix) {
        width = 2;
        value = load<std::uint16_t>(code, 1);
    } else if (operation == double_prefix) {
        width = 4;
        value = load<std::uint32_t>(code, 1);
    } else if (operation > 1) {
        return {};
    }
    if (code.size() < 1 + width || value > 0xff) return {};
    code = code.subspan(1 + width);
    return static_cast<std::uint8_t>(value);
}

// The contents of a package, `code` standing at its PackageOp; empty when it is none or leaves `code`.
[[nodiscard]] Bytes package_contents(Bytes code) {
    constexpr std::uint8_t package_operation = 0x12;
    if (load<std::uint8_t>(code, 0) != package_operation) return {};
    // The length counts itself: two bits say how many bytes follow the first, which gives its low bits.
    const std::uint8_t lead = load<std::uint8_t>(code, 1);
    const std::size_t following = lead >> 6;
    std::size_t length = following == 0 ? lead & 0x3f : lead & 0x0f;
    for (std::size_t i = 0; i < following; ++i)
        length |= std::size_t{load<std::uint8_t>(code, 2 + i)} << (4 + 8 * i);
    if (length < following + 2 || !fits(1, length, code.size())) return {};
    return slice(code, 2 + following, length - following - 1);
}

// `code` stands behind the name: package, element count, values.
[[nodiscard]] std::optional<SoftOff> read_sleep_package(Bytes code) {
    constexpr std::uint8_t type_limit = 7; // SLP_TYP has three bits
    Bytes elements = package_contents(code);
    const std::uint8_t count = load<std::uint8_t>(elements, 0);
    if (count == 0) return {};
    elements = elements.subspan(1);
    const auto type_a = take_small_integer(elements);
    const auto type_b = count > 1 ? take_small_integer(elements) : type_a;
    if (!type_a || !type_b || *type_a > type_limit || *type_b > type_limit) return {};
    return SoftOff{*type_a, *type_b};
}

} // namespace

std::optional<SoftOff> find_soft_off(Bytes table) {
    constexpr std::uint32_t name = 0x5f35'535f; // "_S5_"
    constexpr std::uint8_t name_operation = 0x08;
    for (std::size_t at = table_header_size; fits(at, 4, table.size()); ++at) {
        if (load<std::uint32_t>(table, at) != name) continue;
        // Name(_S5_, ...) or Name(\_S5_, ...); anything else only mentions it.
        const std::size_t before = load<std::uint8_t>(table, at - 1) == '\\' ? at - 2 : at - 1;
        if (before < table_header_size || load<std::uint8_t>(table, before) != name_operation) continue;
        if (const auto found = read_sleep_package(table.subspan(at + 4)); found) return found;
    }
    return {};
}

void read_fadt(Bytes table, Report report, AcpiInfo& info) {
    constexpr std::size_t size_v1 = 116;
    constexpr std::uint32_t flag_timer_wide = std::uint32_t{1} << 8;
    constexpr std::uint32_t flag_reset = std::uint32_t{1} << 10;
    constexpr std::uint32_t flag_hardware_reduced = std::uint32_t{1} << 20;
    constexpr std::uint16_t boot_no_calendar = 1 << 5;
    if (table.size() < size_v1) {
        report({fadt_name, "table too short"sv, table.size()});
        return;
    }
    const std::uint32_t flags = load<std::uint32_t>(table, 112);
    const std::uint64_t dsdt = load<std::uint64_t>(table, 140);
    const std::uint32_t smi_command = load<std::uint32_t>(table, 48);
    Fixed fixed;
    fixed.dsdt = dsdt != 0 ? dsdt : load<std::uint32_t>(table, 40);
    fixed.sci = load<std::uint16_t>(table, 46);
    fixed.hardware_reduced = (flags & flag_hardware_reduced) != 0;
    if (!fixed.hardware_reduced) {
        fixed.pm_timer = either_register(table, 208, 76, 91);
        fixed.pm1a_control = either_register(table, 172, 64, 89);
        fixed.pm1b_control = either_register(table, 184, 68, 89);
        fixed.pm_timer_wide = (flags & flag_timer_wide) != 0;
        fixed.smi_command = smi_command <= 0xffff ? smi_command : 0;
        fixed.acpi_enable = load<std::uint8_t>(table, 52);
        fixed.century = load<std::uint8_t>(table, 108);
        fixed.no_calendar = (load<std::uint16_t>(table, 109) & boot_no_calendar) != 0;
    }
    if ((flags & flag_reset) != 0) {
        fixed.reset = read_register(table, 116);
        fixed.reset_value = load<std::uint8_t>(table, 128);
        if (!fixed.reset) report({fadt_name, "bad reset register"sv, 0});
    }
    info.fixed = fixed;
}

} // namespace chorale::boot::acpi
