// Nodes, their properties, and the way from the root to them.
#include "kernel/boot/device_tree_node.hpp"

#include "kernel/boot/libfdt/libfdt.hpp"

namespace chorale::boot::device_tree {
namespace {

constexpr std::size_t cell_size = sizeof(u32);

// A number of at most two cells.
[[nodiscard]] u64 cells(Bytes value, std::size_t first, u32 count) {
    u64 number = 0;
    for (std::size_t i = first; i < first + count; ++i) number = number << 32 | cell(value, i);
    return number;
}

[[nodiscard]] u8 cells_of_children(Node node, std::string_view name, u32 otherwise) {
    const std::optional<u32> count = node.cell_or(name, otherwise);
    return count && *count < no_cells ? static_cast<u8>(*count) : no_cells;
}

// An entry of `ranges` that holds the whole range: then the range is as the bus above sees it.
[[nodiscard]] bool translate(const Path& path, unsigned bus, Range& range) {
    constexpr std::size_t entry_limit = 64; // of those that are looked at, for each device
    const Level& inner = path.level(bus);
    const Bytes ranges = inner.ranges;
    if (!inner.translates) return false;
    if (ranges.empty()) return true;
    const Level& outer = path.level(bus - 1);
    const std::size_t entry = std::size_t{inner.address_cells} + outer.address_cells + inner.size_cells;
    if (inner.address_cells < 1 || inner.address_cells > 2 || outer.address_cells < 1 ||
        outer.address_cells > 2 || inner.size_cells < 1 || inner.size_cells > 2 ||
        ranges.size() % (entry * cell_size) != 0)
        return false;
    std::size_t count = ranges.size() / (entry * cell_size);
    if (count > entry_limit) count = entry_limit;
    for (std::size_t at = 0; at < count * entry; at += entry) {
        const u64 from = cells(ranges, at, inner.address_cells);
        const u64 to = cells(ranges, at + inner.address_cells, outer.address_cells);
        const u64 length = cells(ranges, at + inner.address_cells + outer.address_cells, inner.size_cells);
        if (range.begin < from || !fits(range.begin - from, range.length, length)) continue;
        return !__builtin_add_overflow(to, range.begin - from, &range.begin);
    }
    return false;
}

} // namespace

u32 cell(Bytes value, std::size_t index) { return __builtin_bswap32(load<u32>(value, index * cell_size)); }

std::string_view Node::name() const {
    int length = 0;
    const char* const text = fdt_get_name(tree_, offset_, &length);
    return text == nullptr ? std::string_view{} : std::string_view{text, static_cast<std::size_t>(length)};
}

std::string_view Node::base_name() const {
    const std::string_view whole = name();
    const std::size_t unit = index_of(whole, '@');
    return {whole.data(), unit == whole.npos ? whole.size() : unit};
}

Node Node::child(const char* name) const { return {tree_, fdt_subnode_offset(tree_, offset_, name)}; }

Property Node::property(std::string_view name) const {
    int length = 0;
    const void* const value =
        fdt_getprop_namelen(tree_, offset_, name.data(), static_cast<int>(name.size()), &length);
    if (value == nullptr || length < 0) return {};
    return {{static_cast<const std::byte*>(value), static_cast<std::size_t>(length)}, true};
}

std::optional<u64> Node::number(std::string_view name) const {
    const Bytes value = property(name).value;
    if (value.size() != cell_size && value.size() != 2 * cell_size) return {};
    return cells(value, 0, static_cast<u32>(value.size() / cell_size));
}

std::optional<u32> Node::cell_or(std::string_view name, u32 otherwise) const {
    const Property found = property(name);
    if (!found.present) return otherwise;
    if (found.value.size() != cell_size) return {};
    return cell(found.value, 0);
}

std::optional<std::string_view> Node::text(std::string_view name) const {
    const std::string_view all = characters(property(name).value);
    const std::size_t end = index_of(all, '\0');
    if (end == all.npos) return {};
    return std::string_view{all.data(), end};
}

bool Node::compatible(std::string_view wanted) const {
    std::string_view list = characters(property("compatible"sv).value);
    for (std::size_t end = index_of(list, '\0'); end != list.npos; end = index_of(list, '\0')) {
        if (std::string_view{list.data(), end} == wanted) return true;
        list.remove_prefix(end + 1);
    }
    return false;
}

bool Node::available() const {
    if (!property("status"sv).present) return true;
    const std::optional<std::string_view> status = text("status"sv);
    return status && (*status == "okay"sv || *status == "ok"sv);
}

u32 Node::phandle() const {
    const u32 handle = fdt_get_phandle(tree_, offset_);
    return handle > FDT_MAX_PHANDLE ? 0 : handle;
}

std::string_view text_or_nothing(Node node, std::string_view name, Say say) {
    if (!node.property(name).present) return {};
    const std::optional<std::string_view> text = node.text(name);
    if (!text) say(node, "a text has no end"sv);
    return text.value_or(std::string_view{});
}

void Path::enter(int offset, unsigned depth) {
    depth_ = depth;
    levels_[depth].offset = offset;
    const Node here = node();
    const Property ranges = here.property("ranges"sv);
    const u32 inherited = depth == 0 ? 0 : levels_[depth - 1].interrupt_parent;
    levels_[depth] = {.offset = offset,
                      .interrupt_parent = here.cell_or("interrupt-parent"sv, inherited).value_or(0),
                      .ranges = ranges.value,
                      .translates = ranges.present,
                      .address_cells = cells_of_children(here, "#address-cells"sv, 2),
                      .size_cells = cells_of_children(here, "#size-cells"sv, 1),
                      .available = here.available() && (depth == 0 || levels_[depth - 1].available)};
}

void for_each_node(const void* tree, Callback<void(const Path&)> visit) {
    Path path{tree};
    int depth = 0;
    for (int offset = 0; offset >= 0 && depth >= 0 && static_cast<unsigned>(depth) < depth_limit;
         offset = fdt_next_node(tree, offset, &depth)) {
        path.enter(offset, static_cast<unsigned>(depth));
        if (depth != 0) visit(path);
    }
}

Range Entries::operator[](std::size_t index) const {
    const std::size_t at = index * (std::size_t{address_cells} + size_cells);
    return {cells(value, at, address_cells), cells(value, at + address_cells, size_cells)};
}

std::optional<Entries> reg_entries(const Path& path, Say say) {
    const Property found = path.node().property("reg"sv);
    const Level& bus = path.level(path.depth() - 1);
    const Entries entries{found.value, bus.address_cells, bus.size_cells};
    if (!found.present)
        say(path.node(), "it has no addresses"sv);
    else if (bus.address_cells < 1 || bus.address_cells > 2 || bus.size_cells > 2)
        say(path.node(), "addresses or sizes of a width that is not supported"sv);
    else if (found.value.empty() || found.value.size() % entries.entry_bytes() != 0)
        say(path.node(), "addresses of a wrong length"sv);
    else
        return entries;
    return {};
}

std::optional<Range> registers(const Path& path, std::size_t index, u64 least, u64 alignment, Say say) {
    const std::optional<Entries> entries = reg_entries(path, say);
    if (!entries) return {};
    Range range = (*entries)[index];
    bool reached = true;
    for (unsigned bus = path.depth() - 1; reached && bus > 0; --bus) reached = translate(path, bus, range);
    if (!reached)
        say(path.node(), "a bus above it does not lead to its registers"sv);
    else if (range.length < least)
        say(path.node(), "too few registers"sv);
    else if (range.begin % alignment != 0)
        say(path.node(), "its registers are not aligned"sv);
    else if (!fits(range.begin, range.length, address_end))
        say(path.node(), "registers beyond the end of memory"sv);
    else
        return range;
    return {};
}

} // namespace chorale::boot::device_tree
