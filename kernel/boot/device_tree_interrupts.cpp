// Interrupt controllers of RISC-V: PLIC, APLIC and IMSIC, and which harts they serve.
#include "kernel/boot/device_tree_node.hpp"

namespace chorale::boot::device_tree {
namespace {

constexpr u32 supervisor_external = 9, machine_external = 11;
constexpr u32 source_limit = 1023; // of a PLIC and of an APLIC

[[nodiscard]] bool has_hart(const Machine& machine, u32 controller) {
    for (const Cpu& cpu : machine.cpus.all())
        if (controller != 0 && cpu.controller == controller) return true;
    return false;
}

// Whether another controller is there already, or goes by the same name.
template <class Controllers>
[[nodiscard]] bool taken(const Controllers& controllers, Range range, u32 phandle) {
    for (const auto& other : controllers.all()) {
        if (other.registers.begin < range.begin + range.length &&
            range.begin < other.registers.begin + other.registers.length)
            return true;
        if (phandle != 0 && other.phandle == phandle) return true;
    }
    return false;
}

[[nodiscard]] bool taken(const Machine& machine, Range range, u32 phandle) {
    return taken(machine.plics, range, phandle) || taken(machine.imsics, range, phandle) ||
           taken(machine.aplics, range, phandle);
}

// interrupts-extended: pairs of a hart's local controller, which has one interrupt cell, and a cause. `has`
// says whether the controller has registers for a context of that index.
template <class Contexts>
void read_contexts(Node node, const Machine& machine, Contexts& contexts, Callback<bool(u32)> has, Say say) {
    constexpr u32 absent = ~u32{0}; // an index that has no context
    const Bytes list = node.property("interrupts-extended"sv).value;
    if (list.size() % (2 * sizeof(u32)) != 0) say(node, "contexts of a wrong length"sv);
    const u32 count = static_cast<u32>(list.size() / (2 * sizeof(u32)));
    for (u32 index = 0; index < count; ++index) {
        const Context context{index, cell(list, 2 * index), cell(list, 2 * index + 1)};
        if (context.cause == absent) continue;
        if (context.cause != supervisor_external && context.cause != machine_external)
            say(node, "a context for no external interrupt"sv);
        else if (!has_hart(machine, context.controller))
            say(node, "a context for no hart"sv);
        else if (!has(index))
            say(node, "a context without registers"sv);
        else if (!contexts.add(context))
            say(node, "one context too many"sv);
    }
}

// Whether all are the supervisor's; nothing if there are none or they differ.
[[nodiscard]] std::optional<bool> privilege(std::span<const Context> contexts) {
    if (contexts.empty()) return {};
    for (const Context& context : contexts)
        if (context.cause != contexts[0].cause) return {};
    return contexts[0].cause == supervisor_external;
}

[[nodiscard]] std::optional<u32> sources_of(Node node, std::string_view name, Say say) {
    const std::optional<u32> sources = node.cell_or(name, 0);
    if (sources && *sources >= 1 && *sources <= source_limit) return sources;
    say(node, "a number of interrupt sources that cannot be"sv);
    return {};
}

[[gnu::noinline]] void read_plic(const Path& path, Machine& machine, Say say) {
    constexpr u64 first_context = 0x200000, context_size = 0x1000;
    const Node node = path.node();
    const std::optional<Range> range = registers(path, 0, first_context + context_size, context_size, say);
    const std::optional<u32> sources = sources_of(node, "riscv,ndev"sv, say);
    if (!range || !sources) return;
    Plic plic{.registers = *range, .phandle = node.phandle(), .sources = *sources, .contexts = {}};
    if (taken(machine, *range, plic.phandle)) {
        say(node, "a second controller in this place or of this name"sv);
        return;
    }
    const u64 limit = (range->length - first_context) / context_size;
    read_contexts(node, machine, plic.contexts, [&](u32 index) { return index < limit; }, say);
    if (!machine.plics.add(plic)) say(node, "one controller too many"sv);
}

// A number below `limit`, `otherwise` if the tree has none.
[[nodiscard]] std::optional<u8> bits(Node node, std::string_view name, u32 otherwise, u32 limit) {
    const std::optional<u32> number = node.cell_or(name, otherwise);
    if (!number || *number >= limit) return {};
    return static_cast<u8>(*number);
}

// How files are numbered. False: not as the specification has it.
[[nodiscard]] bool read_numbering(Node node, Imsic& imsic) {
    constexpr u32 guest_limit = 7, hart_limit = 16, group_limit = 8, shift_limit = 56, shift = 24;
    const u32 identities = node.cell_or("riscv,num-ids"sv, 0).value_or(0);
    const std::size_t harts = node.property("interrupts-extended"sv).value.size() / (2 * sizeof(u32));
    const u32 enough = harts < 2 ? 0 : static_cast<u32>(std::bit_width(harts - 1));
    const auto guests = bits(node, "riscv,guest-index-bits"sv, 0, guest_limit);
    const auto hart_bits = bits(node, "riscv,hart-index-bits"sv, enough, hart_limit);
    const auto groups = bits(node, "riscv,group-index-bits"sv, 0, group_limit);
    const auto group_shift = bits(node, "riscv,group-index-shift"sv, shift, shift_limit);
    // 64 to each register, the first of which stands for none.
    if (identities > 2047 || identities % 64 != 63 || !guests || !hart_bits || !groups || !group_shift ||
        *group_shift < shift)
        return false;
    imsic.identities = identities;
    imsic.guest_index_bits = *guests;
    imsic.hart_index_bits = *hart_bits;
    imsic.group_index_bits = *groups;
    imsic.group_index_shift = *group_shift;
    return true;
}

[[gnu::noinline]] void read_imsic(const Path& path, Machine& machine, Say say) {
    const Node node = path.node();
    Imsic imsic{};
    imsic.phandle = node.phandle();
    if (!read_numbering(node, imsic)) {
        say(node, "interrupt files of a form that is not supported"sv);
        return;
    }
    const std::optional<Entries> entries = reg_entries(path, say);
    for (std::size_t i = 0; entries && i < entries->size(); ++i) {
        const std::optional<Range> range = registers(path, i, imsic_page, imsic_page, say);
        if (!range) return;
        if (taken(machine, *range, imsic.phandle)) {
            say(node, "a second controller in this place or of this name"sv);
            return;
        }
        if (!imsic.groups.add(*range)) say(node, "one group of interrupt files too many"sv);
    }
    if (imsic.groups.all().empty()) return;
    imsic.registers = imsic.groups.all()[0];
    read_contexts(node, machine, imsic.contexts, [&](u32 index) { return imsic.file(index) != 0; }, say);
    const std::optional<bool> supervisor = privilege(imsic.contexts.all());
    imsic.supervisor = supervisor.value_or(false);
    if (!supervisor)
        say(node, "it serves no hart, or several privileges"sv);
    else if (!machine.imsics.add(imsic))
        say(node, "one controller too many"sv);
}

// Through messages or directly: whom it signals. Nothing if nobody.
[[nodiscard]] std::optional<bool> read_targets(Node node, const Machine& machine, Aplic& aplic, Say say) {
    constexpr u64 first_context = 0x4000, context_size = 32;
    if (const Property parent = node.property("msi-parent"sv); parent.present) {
        aplic.msi_parent = cell(parent.value, 0);
        for (const Imsic& imsic : machine.imsics.all())
            if (aplic.msi_parent != 0 && imsic.phandle == aplic.msi_parent) return imsic.supervisor;
        return {};
    }
    const u64 limit = (aplic.registers.length - first_context) / context_size;
    read_contexts(node, machine, aplic.contexts, [&](u32 index) { return index < limit; }, say);
    return privilege(aplic.contexts.all());
}

[[gnu::noinline]] void read_aplic(const Path& path, Machine& machine, Say say) {
    constexpr u64 least = 0x4000, alignment = 0x1000;
    const Node node = path.node();
    const std::optional<Range> range = registers(path, 0, least, alignment, say);
    const std::optional<u32> sources = sources_of(node, "riscv,num-sources"sv, say);
    if (!range || !sources) return;
    Aplic aplic{};
    aplic.registers = *range;
    aplic.phandle = node.phandle();
    aplic.sources = *sources;
    if (taken(machine, *range, aplic.phandle)) {
        say(node, "a second controller in this place or of this name"sv);
        return;
    }
    const std::optional<bool> supervisor = read_targets(node, machine, aplic, say);
    aplic.supervisor = supervisor.value_or(false);
    if (!supervisor)
        say(node, "it serves no hart, or several privileges"sv);
    else if (!machine.aplics.add(aplic))
        say(node, "one controller too many"sv);
}

} // namespace

u64 Imsic::file(u32 index) const {
    const u64 size = imsic_page << guest_index_bits;
    u64 offset = index * size;
    for (const Range& group : groups.all()) {
        if (fits(offset, imsic_page, group.length)) return group.begin + offset;
        // A group may end without room for the last hart's guests.
        const u64 length = align_up(group.length, size);
        if (offset < length) return 0;
        offset -= length;
    }
    return 0;
}

void read_controllers(const Path& path, Machine& machine, Say say) {
    if (!path.level().available) return;
    const Node node = path.node();
    if (node.compatible("riscv,plic0"sv) || node.compatible("sifive,plic-1.0.0"sv))
        read_plic(path, machine, say);
    else if (node.compatible("riscv,imsics"sv))
        read_imsic(path, machine, say);
}

void read_wired_controllers(const Path& path, Machine& machine, Say say) {
    if (path.level().available && path.node().compatible("riscv,aplic"sv)) read_aplic(path, machine, say);
}

} // namespace chorale::boot::device_tree
