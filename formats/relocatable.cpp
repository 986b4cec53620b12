// ELF64 dynamic sections, symbols and relocations (System V ABI, chapter 5).
#include "formats/relocatable.hpp"

namespace chorale {

namespace {

using namespace std::string_view_literals;
using formats::Bytes;

constexpr u64 relocation_size = 24, symbol_size = 24, dynamic_size = 16;

enum Tag : u64 {
    tag_end = 0,
    tag_needed = 1,
    tag_plt_size = 2,
    tag_names = 5,
    tag_symbols = 6,
    tag_relocations = 7,
    tag_relocations_size = 8,
    tag_relocation_entry = 9,
    tag_names_size = 10,
    tag_symbol_entry = 11,
    tag_plt = 23,
};

// What the dynamic section says, unchecked; the addresses are the image's own.
struct Dynamic {
    u64 names{}, names_size{}, symbols{}, symbol_entry{};
    u64 relocations{}, relocations_size{}, relocation_entry{};
    u64 plt{}, plt_size{};
    bool needs_library{};
};

[[nodiscard]] Dynamic read_dynamic(Bytes section) {
    Dynamic dynamic;
    for (std::size_t at = 0; section.size() - at >= dynamic_size; at += dynamic_size) {
        const u64 value = formats::load<u64>(section, at + 8);
        switch (formats::load<u64>(section, at)) {
        case tag_end:
            return dynamic;
        case tag_needed:
            dynamic.needs_library = true;
            break;
        case tag_names:
            dynamic.names = value;
            break;
        case tag_names_size:
            dynamic.names_size = value;
            break;
        case tag_symbols:
            dynamic.symbols = value;
            break;
        case tag_symbol_entry:
            dynamic.symbol_entry = value;
            break;
        case tag_relocations:
            dynamic.relocations = value;
            break;
        case tag_relocations_size:
            dynamic.relocations_size = value;
            break;
        case tag_relocation_entry:
            dynamic.relocation_entry = value;
            break;
        case tag_plt:
            dynamic.plt = value;
            break;
        case tag_plt_size:
            dynamic.plt_size = value;
            break;
        default:
            break;
        }
    }
    return dynamic;
}

// The bytes in the file of [address, address + size); empty when they do not all lie in one segment's part of
// the file. Size 0: from there to the end of that part.
[[nodiscard]] Bytes bytes_at(Bytes file, const formats::elf::Image& image, u64 address, u64 size) {
    for (const formats::elf::Segment& segment : image.segments()) {
        if (address < segment.address || !formats::fits(address - segment.address, size, segment.file_size))
            continue;
        const u64 offset = address - segment.address;
        return file.subspan(segment.file_offset + offset, size != 0 ? size : segment.file_size - offset);
    }
    return {};
}

[[nodiscard]] bool find_tables(RelocatableImage& image, Bytes file, const Dynamic& dynamic) {
    const bool sizes = dynamic.relocations_size % relocation_size == 0 &&
                       dynamic.plt_size % relocation_size == 0 &&
                       (dynamic.relocations_size == 0 || dynamic.relocation_entry == relocation_size) &&
                       (dynamic.symbols == 0 || dynamic.symbol_entry == symbol_size);
    if (!sizes) return false;
    if (dynamic.names_size != 0) image.names = bytes_at(file, image.elf, dynamic.names, dynamic.names_size);
    // How many symbols there are is written nowhere but in the hash tables: the segment's end bounds them.
    if (dynamic.symbols != 0) image.symbols = bytes_at(file, image.elf, dynamic.symbols, 0);
    if (dynamic.relocations_size != 0)
        image.relocations = bytes_at(file, image.elf, dynamic.relocations, dynamic.relocations_size);
    if (dynamic.plt_size != 0)
        image.plt_relocations = bytes_at(file, image.elf, dynamic.plt, dynamic.plt_size);
    return image.names.size() == dynamic.names_size && image.relocations.size() == dynamic.relocations_size &&
           image.plt_relocations.size() == dynamic.plt_size;
}

// ---- relocation --------------------------------------------------------------------------------

struct Symbol {
    u64 value{};
    ImageProblem problem{};
};

// The address of a symbol: in the image, or what `resolve` says of its name.
[[nodiscard]] Symbol find_symbol(const RelocatableImage& image, VirtAddr base, u64 number, Resolve resolve) {
    constexpr u8 weak = 2;
    const u64 at = number * symbol_size;
    if (number == 0) return {};
    if (number >= image.symbols.size() / symbol_size) return {0, {ImageError::bad_symbol}};
    const u64 value = formats::load<u64>(image.symbols, at + 8);
    if (formats::load<u16>(image.symbols, at + 6) != 0) {
        if (value > image.size) return {0, {ImageError::bad_symbol}};
        return {base.raw() + value};
    }
    const auto name_at = formats::load<u32>(image.symbols, at);
    const std::string_view rest =
        formats::characters(formats::slice(image.names, name_at, RelocatableImage::name_limit));
    const std::size_t length = formats::index_of(rest, '\0');
    if (length == rest.npos || length == 0) return {0, {ImageError::bad_symbol}};
    const std::string_view name = rest.substr(0, length);
    const uword address = resolve(name);
    const bool optional = formats::load<u8>(image.symbols, at + 4) >> 4 == weak;
    if (address == 0 && !optional) return {0, {ImageError::missing_symbol, {}, name}};
    return {address};
}

[[nodiscard]] bool writable(const formats::elf::Image& image, u64 place) {
    for (const formats::elf::Segment& segment : image.segments()) {
        if (segment.writable && place >= segment.address &&
            formats::fits(place - segment.address, sizeof(u64), segment.memory_size))
            return true;
    }
    return false;
}

struct Relocator {
    const RelocatableImage& image;
    VirtAddr base;
    const RelocationKinds& kinds;
    Resolve resolve;

    // What the relocation at `at` of `table` puts into place.
    [[nodiscard]] Symbol value(Bytes table, std::size_t at) const {
        const u64 info = formats::load<u64>(table, at + 8), addend = formats::load<u64>(table, at + 16);
        const auto kind = static_cast<u32>(info);
        if (kind == kinds.relative) return {base.raw() + addend};
        if (kind != kinds.absolute && kind != kinds.global && kind != kinds.jump)
            return {0, {ImageError::bad_relocation}};
        Symbol symbol = find_symbol(image, base, info >> 32, resolve);
        symbol.value += kind == kinds.absolute ? addend : 0;
        return symbol;
    }

    [[nodiscard]] ImageProblem apply(Bytes table, formats::Callback<bool(VirtAddr, u64)> store) const {
        for (std::size_t at = 0; at < table.size(); at += relocation_size) {
            const u64 place = formats::load<u64>(table, at);
            if (!writable(image.elf, place)) return {ImageError::bad_place};
            const Symbol symbol = value(table, at);
            if (symbol.problem.error != ImageError::none) return symbol.problem;
            if (!store(base + place, symbol.value)) return {ImageError::no_memory};
        }
        return {};
    }
};

} // namespace

ParsedImage parse_image(Bytes file, u16 machine) {
    constexpr u64 largest = u64{64} << 20;
    ParsedImage parsed{};
    const auto elf = formats::elf::parse(file, {.machine = machine,
                                                .address_begin = 0,
                                                .address_end = largest,
                                                .memory_limit = largest,
                                                .relocatable = true});
    if (!elf.has_value()) {
        parsed.problem = {ImageError::not_elf, elf.error().error};
        return parsed;
    }
    RelocatableImage& image = parsed.image;
    image.elf = *elf;
    image.entry = elf->entry;
    for (const formats::elf::Segment& segment : elf->segments())
        image.size = image.size < segment.page_end() ? segment.page_end() : image.size;
    if (elf->dynamic_size == 0) {
        parsed.problem = {ImageError::no_dynamic};
        return parsed;
    }
    const Bytes section = bytes_at(file, *elf, elf->dynamic_address, elf->dynamic_size);
    const Dynamic dynamic = read_dynamic(section);
    if (section.empty() || !find_tables(image, file, dynamic)) {
        parsed.problem = {ImageError::bad_dynamic};
    } else if (dynamic.needs_library) {
        parsed.problem = {ImageError::needs_library};
    } else if (elf->thread_local_storage) {
        parsed.problem = {ImageError::thread_local_storage};
    }
    return parsed;
}

ImageProblem relocate(const RelocatableImage& image, VirtAddr base, const RelocationKinds& kinds,
                      Resolve resolve, formats::Callback<bool(VirtAddr, u64)> store) {
    const Relocator relocator{image, base, kinds, resolve};
    const ImageProblem problem = relocator.apply(image.relocations, store);
    if (problem.error != ImageError::none) return problem;
    return relocator.apply(image.plt_relocations, store);
}

std::string_view text(const ImageProblem& problem) {
    switch (problem.error) {
    case ImageError::none:
        return "nothing"sv;
    case ImageError::not_elf:
        return formats::elf::text(problem.elf);
    case ImageError::no_dynamic:
        return "no dynamic section: not linked as a supervisor actor"sv;
    case ImageError::bad_dynamic:
        return "bad dynamic section"sv;
    case ImageError::needs_library:
        return "needs a shared library"sv;
    case ImageError::thread_local_storage:
        return "uses thread-local storage"sv;
    case ImageError::bad_relocation:
        return "unknown kind of relocation"sv;
    case ImageError::bad_place:
        return "relocation outside writable data"sv;
    case ImageError::bad_symbol:
        return "bad symbol"sv;
    case ImageError::missing_symbol:
        return "the nucleus has no symbol"sv;
    case ImageError::no_memory:
        return "no memory"sv;
    }
    return "unknown error"sv;
}

} // namespace chorale
