// Serial ports, the test device and the battery clock.
#include "kernel/boot/device_tree_node.hpp"

#include "kernel/boot/libfdt/libfdt.hpp"

namespace chorale::boot::device_tree {
namespace {

[[nodiscard]] Uart uart_kind(Node node) {
    if (node.compatible("ns16550a"sv) || node.compatible("ns16550"sv)) return Uart::ns16550;
    if (node.compatible("sifive,uart0"sv)) return Uart::sifive;
    return Uart::none;
}

// Whether a controller that was read has that source.
[[nodiscard]] bool known_source(const Machine& machine, u32 controller, u32 source) {
    if (controller == 0 || source == 0) return false;
    for (const Plic& plic : machine.plics.all())
        if (plic.phandle == controller) return source <= plic.sources;
    for (const Aplic& aplic : machine.aplics.all())
        if (aplic.phandle == controller) return source <= aplic.sources;
    return false;
}

// The first interrupt of a device: all controllers that are known have the source's number in the first cell.
void read_interrupt(const Path& path, const Machine& machine, Console& console, Say say) {
    const Node node = path.node();
    const Property extended = node.property("interrupts-extended"sv);
    const Property plain = node.property("interrupts"sv);
    if (!extended.present && !plain.present) return; // it is polled
    const u32 parent = extended.present ? cell(extended.value, 0) : path.level().interrupt_parent;
    const u32 source = extended.present ? cell(extended.value, 1) : cell(plain.value, 0);
    if (known_source(machine, parent, source)) {
        console.interrupt_parent = parent;
        console.interrupt = source;
    } else {
        say(node, "its interrupt leads nowhere"sv);
    }
}

// Of kind none if there is anything wrong.
[[nodiscard]] Console read_uart(const Path& path, Uart kind, const Machine& machine, Say say) {
    const Node node = path.node();
    Console console{};
    u32 shift = 2, width = 4, offset = 0;
    u64 registers_used = 7; // 32 bits each
    if (kind == Uart::ns16550) {
        registers_used = 8;
        shift = node.cell_or("reg-shift"sv, 0).value_or(~u32{0});
        width = node.cell_or("reg-io-width"sv, 1).value_or(0);
        offset = node.cell_or("reg-offset"sv, 0).value_or(~u32{0});
        constexpr u32 shift_limit = 4, width_limit = 8, offset_limit = 1 << 16;
        if (shift > shift_limit || !std::has_single_bit(width) || width > width_limit ||
            offset > offset_limit || offset % width != 0) {
            say(node, "registers of a form that is not supported"sv);
            return console;
        }
    }
    const u64 used = registers_used << shift;
    const std::optional<Range> range = registers(path, 0, offset + used, width, say);
    if (!range) return console;
    console = {.kind = kind,
               .registers = {range->begin + offset, range->length - offset},
               .register_shift = static_cast<u8>(shift),
               .register_width = static_cast<u8>(width),
               .interrupt = 0,
               .interrupt_parent = 0};
    read_interrupt(path, machine, console, say);
    return console;
}

} // namespace

Node find_console(const void* tree, std::string_view stdout_path, Say say) {
    const Node root{tree, 0};
    if (stdout_path.empty()) return {};
    // What follows a colon is about speed and parity.
    const std::size_t colon = index_of(stdout_path, ':');
    std::string_view path{stdout_path.data(), colon == stdout_path.npos ? stdout_path.size() : colon};
    if (!path.starts_with('/')) {
        // libfdt would follow an alias of itself for ever.
        const Node aliases = root.child("aliases");
        const auto target = aliases.exists() ? aliases.text(path) : std::optional<std::string_view>{};
        path = target.value_or(std::string_view{});
    }
    const Node console =
        path.starts_with('/')
            ? Node{tree, fdt_path_offset_namelen(tree, path.data(), static_cast<int>(path.size()))}
            : Node{};
    if (!console.exists()) say(root.child("chosen"), "stdout-path leads nowhere"sv);
    return console;
}

void read_device(const Path& path, Node console, Machine& machine, Say say) {
    if (!path.level().available) return;
    const Node node = path.node();
    if (machine.console.kind == Uart::none && (!console.exists() || node == console))
        if (const Uart kind = uart_kind(node); kind != Uart::none)
            machine.console = read_uart(path, kind, machine, say);
    if (machine.test_device.length == 0 &&
        (node.compatible("sifive,test0"sv) || node.compatible("sifive,test1"sv)))
        machine.test_device = registers(path, 0, sizeof(u32), sizeof(u32), say).value_or(Range{});
    if (machine.calendar.length == 0 && node.compatible("google,goldfish-rtc"sv))
        machine.calendar = registers(path, 0, 2 * sizeof(u32), sizeof(u32), say).value_or(Range{});
}

} // namespace chorale::boot::device_tree
