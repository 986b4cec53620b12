// The tree as a whole: whether it can be trusted, and what it says of harts, memory and the boot. Four walks
// over the nodes, so that each reads references to what the walks before it have found.
#include "kernel/boot/device_tree.hpp"

#include "kernel/base/log.hpp"
#include "kernel/boot/device_tree_node.hpp"
#include "kernel/boot/libfdt/libfdt.hpp"

namespace chorale::boot::device_tree {
namespace {

constexpr std::size_t header_size = 40;
constexpr u32 version = 17; // of 2007; no other is in use

// Fields of the header, by their position in cells.
enum Field : std::size_t {
    magic = 0,
    total_size = 1,
    structure_offset = 2,
    strings_offset = 3,
    reservations_offset = 4,
    tree_version = 5,
    compatible_version = 6,
    strings_size = 8,
    structure_size = 9,
};

// Whether each tag of the structure is whole and leads to one behind it. libfdt alone does not see to it: in
// the version that is used here, a property of nearly 4 GiB wraps, and its own check then goes in circles.
// Names of properties are short, as each is measured whenever one is looked for.
[[nodiscard]] std::string_view structure_problem(Bytes structure, Bytes strings) {
    constexpr std::string_view damaged = "its structure is damaged"sv;
    constexpr std::size_t name_limit = 128, tag_size = sizeof(u32);
    unsigned depth = 0;
    for (std::size_t at = 0; fits(at, tag_size, structure.size());) {
        const u32 tag = cell(structure, at / tag_size);
        at += tag_size;
        std::size_t skip = 0;
        if (tag == FDT_END) {
            return depth == 0 ? std::string_view{} : damaged;
        } else if (tag == FDT_BEGIN_NODE) {
            const std::size_t end = index_of(characters(slice(structure, at, structure.size())), '\0');
            if (end == std::string_view::npos) return damaged;
            if (++depth > depth_limit) return "its nodes are nested too deeply"sv;
            skip = end + 1;
        } else if (tag == FDT_PROP) {
            const u32 length = cell(structure, at / tag_size);
            const Bytes name = slice(strings, cell(structure, at / tag_size + 1), name_limit);
            if (index_of(characters(name), '\0') == std::string_view::npos) return damaged;
            skip = 2 * tag_size + std::size_t{length};
        } else if (tag == FDT_END_NODE) {
            if (depth-- == 0) return damaged;
        } else if (tag != FDT_NOP) {
            return damaged;
        }
        if (!fits(at, skip, structure.size())) return damaged;
        at = align_up(at + skip, tag_size);
    }
    return damaged;
}

// What is wrong with the tree as such; nothing if libfdt can be let at it.
[[nodiscard]] std::string_view damage(Bytes tree) {
    const std::size_t size = claimed_size(tree);
    if (size == 0) return "there is none"sv;
    if (reinterpret_cast<uword>(tree.data()) % alignof(u64) != 0)
        return "it does not begin at a multiple of 8"sv;
    if (size > size_limit) return "it is larger than 2 MiB"sv;
    if (size > tree.size()) return "its end is missing"sv;
    if (cell(tree, Field::tree_version) < version || cell(tree, Field::compatible_version) > version)
        return "its version is not supported"sv;
    const std::size_t structure = cell(tree, Field::structure_offset);
    const std::size_t strings = cell(tree, Field::strings_offset);
    const std::size_t reservations = cell(tree, Field::reservations_offset);
    if (structure % sizeof(u32) != 0 || reservations % sizeof(u64) != 0 || structure < header_size ||
        strings < header_size || reservations < header_size ||
        !fits(structure, cell(tree, Field::structure_size), size) ||
        !fits(strings, cell(tree, Field::strings_size), size) || reservations > size)
        return "its header is damaged"sv;
    const std::string_view problem =
        structure_problem(slice(tree, structure, cell(tree, Field::structure_size)),
                          slice(tree, strings, cell(tree, Field::strings_size)));
    if (!problem.empty()) return problem;
    return fdt_check_full(tree.data(), size) == 0 ? std::string_view{} : "its structure is damaged"sv;
}

// False: memory is spoken for that there is no room to note.
[[nodiscard]] bool reserve(Range range, Node node, Machine& machine, Say say) {
    if (range.length == 0) return true;
    if (range.length > ~range.begin) {
        say(node, "a reservation reaches beyond the end of memory"sv);
        range.length = ~range.begin;
    }
    return machine.reserved.add(range);
}

[[nodiscard]] bool read_reservation_block(const void* tree, Machine& machine, Say say) {
    const int count = fdt_num_mem_rsv(tree);
    for (int i = 0; i < count; ++i) {
        Range range{};
        std::uint64_t begin = 0, length = 0;
        if (fdt_get_mem_rsv(tree, i, &begin, &length) != 0) return false;
        range = {begin, length};
        if (!reserve(range, {tree, 0}, machine, say)) return false;
    }
    return true;
}

// A child of /reserved-memory. Its addresses are memory's: Linux, too, takes them as they stand.
[[nodiscard]] bool read_reserved(const Path& path, Machine& machine, Say say) {
    // One with a size alone asks for memory anywhere, for devices that are not ours.
    if (!path.level().available || !path.node().property("reg"sv).present) return true;
    const std::optional<Entries> entries = reg_entries(path, say);
    if (!entries) return false;
    for (std::size_t i = 0; i < entries->size(); ++i)
        if (!reserve((*entries)[i], path.node(), machine, say)) return false;
    return true;
}

void read_memory(const Path& path, Machine& machine, Say say) {
    if (!path.level().available) return;
    const std::optional<Entries> entries = reg_entries(path, say);
    if (!entries) return;
    for (std::size_t i = 0; i < entries->size(); ++i) {
        const Range range = (*entries)[i];
        if (range.length == 0) continue;
        if (range.length > ~range.begin)
            say(path.node(), "memory reaches beyond the end of the address space"sv);
        else if (!machine.memory.add({range.begin, range.length, FirmwareRange::usable}))
            say(path.node(), "memory that is in too many pieces"sv);
    }
}

[[nodiscard]] Mmu mmu_of(Node node, Say say) {
    constexpr struct {
        std::string_view name;
        Mmu mmu;
    } known[] = {{"riscv,sv39"sv, Mmu::sv39},
                 {"riscv,sv48"sv, Mmu::sv48},
                 {"riscv,sv57"sv, Mmu::sv57},
                 {"riscv,none"sv, Mmu::none}};
    if (!node.property("mmu-type"sv).present) return Mmu::none;
    const std::string_view type = text_or_nothing(node, "mmu-type"sv, say);
    for (const auto& each : known)
        if (type == each.name) return each.mmu;
    say(node, "its paging is not known"sv);
    return Mmu::none;
}

[[nodiscard]] u32 local_controller(Node hart, const Machine& machine, Say say) {
    u32 phandle = 0;
    const void* const tree = hart.tree();
    for (int at = fdt_first_subnode(tree, hart.offset()); at >= 0; at = fdt_next_subnode(tree, at)) {
        const Node node{tree, at};
        if (!node.compatible("riscv,cpu-intc"sv)) continue;
        if (node.cell_or("#interrupt-cells"sv, 0).value_or(0) == 1) phandle = node.phandle();
        break;
    }
    for (const Cpu& other : machine.cpus.all())
        if (other.controller == phandle) phandle = 0;
    if (phandle == 0) say(hart, "it has no local interrupt controller of its own"sv);
    return phandle;
}

void read_cpu(const Path& path, Machine& machine, Say say) {
    const Node node = path.node();
    const std::optional<Entries> entries = reg_entries(path, say);
    if (!entries) return;
    const u64 hart = (*entries)[0].begin;
    for (const Cpu& other : machine.cpus.all()) {
        if (other.hart != hart) continue;
        say(node, "a second hart of this number"sv);
        return;
    }
    const Cpu cpu{.hart = hart,
                  .mmu = mmu_of(node, say),
                  .enabled = node.available(),
                  .controller = local_controller(node, machine, say),
                  .isa = text_or_nothing(node, "riscv,isa"sv, say)};
    if (!machine.cpus.add(cpu)) say(node, "one hart too many"sv);
}

// It is of all harts, though some trees have it in each.
void read_timebase(Node node, Machine& machine, Say say) {
    if (!node.property("timebase-frequency"sv).present) return;
    const u64 frequency = node.number("timebase-frequency"sv).value_or(0);
    if (frequency == 0 || frequency > ~u32{0})
        say(node, "a timebase frequency that cannot be"sv);
    else if (machine.timebase_frequency == 0)
        machine.timebase_frequency = static_cast<u32>(frequency);
    else if (machine.timebase_frequency != frequency)
        say(node, "another timebase frequency"sv);
}

// What the first walk is about. False: `problem` says why that is the end.
[[nodiscard]] bool read_basics(const Path& path, Node chosen, Node aliases, Machine& machine, Say say,
                               std::string_view& problem) {
    const Node node = path.node();
    const std::string_view top = path.node(1).base_name();
    const std::string_view type = node.text("device_type"sv).value_or(std::string_view{});
    if (path.depth() == 1) {
        if (top == "memory"sv && type == "memory"sv) read_memory(path, machine, say);
        if (top == "cpus"sv) read_timebase(node, machine, say);
        if ((top == "chosen"sv && node != chosen) || (top == "aliases"sv && node != aliases))
            say(node, "a second one is not read"sv);
    } else if (path.depth() == 2 && top == "cpus"sv && (type == "cpu"sv || node.base_name() == "cpu"sv)) {
        read_timebase(node, machine, say);
        read_cpu(path, machine, say);
    } else if (path.depth() == 2 && top == "reserved-memory"sv && !read_reserved(path, machine, say)) {
        problem = "it reserves memory in a way that is not understood"sv;
        return false;
    }
    return true;
}

void read_chosen(Node chosen, Machine& machine, Say say) {
    if (!chosen.exists()) return;
    machine.command_line = text_or_nothing(chosen, "bootargs"sv, say);
    machine.stdout_path = text_or_nothing(chosen, "stdout-path"sv, say);
    machine.random_seed = chosen.property("rng-seed"sv).value;
    constexpr std::string_view start = "linux,initrd-start"sv, end = "linux,initrd-end"sv;
    if (!chosen.property(start).present && !chosen.property(end).present) return;
    const std::optional<u64> from = chosen.number(start), to = chosen.number(end);
    if (from && to && *from <= *to)
        machine.bank = {*from, *to - *from};
    else
        say(chosen, "the bank's place makes no sense"sv);
}

// Nothing that the tree holds could spoil a terminal.
[[nodiscard]] std::size_t describe(Node node, std::string_view what, std::span<char> line) {
    constexpr std::size_t name_limit = 48;
    char name[name_limit];
    std::size_t length = 0;
    for (const char c : node.name()) {
        if (length == name_limit) break;
        name[length++] = c > ' ' && c <= '~' ? c : '?';
    }
    if (length == 0) name[length++] = '/';
    const Argument arguments[] = {Argument{std::string_view{name, length}}, Argument{what}};
    return format_to(line.data(), line.size(), "{}: {}"sv, arguments, std::size(arguments));
}

[[nodiscard]] bool read_tree(const void* tree, Machine& machine, Say say, std::string_view& problem) {
    const Node root{tree, 0};
    machine.model = text_or_nothing(root, "model"sv, say);
    const Node chosen = root.child("chosen"), aliases = root.child("aliases");
    read_chosen(chosen, machine, say);
    bool good = true;
    for_each_node(tree, [&](const Path& path) {
        good = good && read_basics(path, chosen, aliases, machine, say, problem);
    });
    if (!good) return false;
    if (!read_reservation_block(tree, machine, say))
        problem = "it reserves memory in too many pieces"sv;
    else if (machine.memory.all().empty())
        problem = "it names no memory"sv;
    else if (machine.cpus.all().empty())
        problem = "it names no harts"sv;
    if (!problem.empty()) return false;
    if (machine.timebase_frequency == 0) say(root, "no timebase frequency"sv);

    for_each_node(tree, [&](const Path& path) { read_controllers(path, machine, say); });
    for_each_node(tree, [&](const Path& path) { read_wired_controllers(path, machine, say); });
    const Node console = find_console(tree, machine.stdout_path, say);
    for_each_node(tree, [&](const Path& path) { read_device(path, console, machine, say); });
    if (console.exists() && machine.console.kind == Uart::none) {
        say(console, "the console is not a serial port that is known"sv);
        for_each_node(tree, [&](const Path& path) { read_device(path, Node{}, machine, say); });
    }
    return true;
}

} // namespace

std::size_t claimed_size(Bytes start) {
    if (start.size() < header_size || cell(start, Field::magic) != FDT_MAGIC) return 0;
    const std::size_t size = cell(start, Field::total_size);
    return size < header_size ? 0 : size;
}

bool read(Bytes tree, Machine& machine, Report report, std::string_view& problem) {
    problem = damage(tree);
    if (!problem.empty()) return false;
    constexpr unsigned report_limit = 32; // a hostile tree has room for a million
    unsigned reports = 0;
    const auto say = [&](Node node, std::string_view what) {
        char line[128];
        if (++reports <= report_limit) report({line, describe(node, what, line)});
        if (reports == report_limit) report("more problems are not shown"sv);
    };
    return read_tree(tree.data(), machine, say, problem);
}

} // namespace chorale::boot::device_tree
