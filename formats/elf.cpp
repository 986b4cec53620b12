// ELF64 checks, in the order of the file: header, program headers, then what they say together.
#include "formats/elf.hpp"

namespace chorale::formats::elf {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t header_size = 64;
constexpr std::size_t program_header_size = 56;

constexpr std::uint16_t type_executable = 2, type_shared = 3;

constexpr std::uint32_t segment_load = 1;
constexpr std::uint32_t segment_dynamic = 2;
constexpr std::uint32_t segment_interpreter = 3;
constexpr std::uint32_t segment_tls = 7;
constexpr std::uint32_t segment_gnu_stack = 0x6474'e551;

constexpr std::uint32_t flag_execute = 1;
constexpr std::uint32_t flag_write = 2;
constexpr std::uint32_t flag_read = 4;

struct ProgramHeader {
    std::uint32_t type;
    std::uint32_t flags;
    std::uint64_t offset;
    std::uint64_t address;
    std::uint64_t file_size;
    std::uint64_t memory_size;
    std::uint64_t alignment;
};

struct HeaderTable {
    std::uint64_t offset = 0;
    std::uint16_t count = 0;
};

using Check = std::expected<void, Error>;

[[nodiscard]] ProgramHeader read_program_header(Bytes file, std::size_t offset) {
    return {
        .type = load<std::uint32_t>(file, offset),
        .flags = load<std::uint32_t>(file, offset + 4),
        .offset = load<std::uint64_t>(file, offset + 8),
        .address = load<std::uint64_t>(file, offset + 16),
        .file_size = load<std::uint64_t>(file, offset + 32),
        .memory_size = load<std::uint64_t>(file, offset + 40),
        .alignment = load<std::uint64_t>(file, offset + 48),
    };
}

[[nodiscard]] std::expected<HeaderTable, Error> check_header(Bytes file, const Limits& limits) {
    constexpr std::uint32_t magic = 0x464c'457f; // 0x7f "ELF"
    constexpr std::uint8_t abi_linux = 3;
    const auto byte = [&](std::size_t offset) { return load<std::uint8_t>(file, offset); };
    const auto half = [&](std::size_t offset) { return load<std::uint16_t>(file, offset); };

    if (file.size() < header_size) return std::unexpected{Error::truncated_header};
    if (load<std::uint32_t>(file, 0) != magic) return std::unexpected{Error::bad_magic};
    if (byte(4) != 2) return std::unexpected{Error::not_elf64};
    if (byte(5) != 1) return std::unexpected{Error::not_little_endian};
    if (byte(6) != 1 || load<std::uint32_t>(file, 20) != 1) return std::unexpected{Error::bad_version};
    if (byte(7) != 0 && byte(7) != abi_linux) return std::unexpected{Error::bad_abi};
    if (half(16) != (limits.relocatable ? type_shared : type_executable))
        return std::unexpected{Error::wrong_type};
    if (half(18) != limits.machine) return std::unexpected{Error::wrong_machine};
    if (half(52) != header_size || half(54) != program_header_size)
        return std::unexpected{Error::bad_header_size};
    const HeaderTable table{load<std::uint64_t>(file, 32), half(56)};
    if (table.count == 0) return std::unexpected{Error::no_segment};
    if (table.count > program_header_limit) return std::unexpected{Error::too_many_headers};
    if (!fits(table.offset, table.count * program_header_size, file.size()))
        return std::unexpected{Error::headers_beyond_end};
    return table;
}

// Whether [address, address + size) lies in the user range and its last page does too.
[[nodiscard]] bool in_range(std::uint64_t address, std::uint64_t size, const Limits& limits) {
    return address >= limits.address_begin && fits(address, size, limits.address_end) &&
           limits.address_end - (address + size) >= align_up(address + size, page_size) - (address + size);
}

[[nodiscard]] bool aligned(const ProgramHeader& header) {
    if ((header.alignment & (header.alignment - 1)) != 0 && header.alignment != 0) return false;
    // Without bytes in the file there is nothing whose place in a page could disagree.
    return header.file_size == 0 || (header.offset - header.address) % page_size == 0;
}

[[nodiscard]] Check add_segment(Image& image, const ProgramHeader& header, Bytes file, const Limits& limits) {
    if (image.count == segment_limit) return std::unexpected{Error::too_many_segments};
    if (header.memory_size == 0)
        return std::unexpected{header.file_size == 0 ? Error::empty_segment : Error::file_larger_than_memory};
    if (header.file_size > header.memory_size) return std::unexpected{Error::file_larger_than_memory};
    if (header.file_size != 0 && !fits(header.offset, header.file_size, file.size()))
        return std::unexpected{Error::data_beyond_end};
    if (!in_range(header.address, header.memory_size, limits)) return std::unexpected{Error::bad_address};
    if (!aligned(header)) return std::unexpected{Error::misaligned};
    if ((header.flags & flag_write) != 0 && (header.flags & flag_execute) != 0)
        return std::unexpected{Error::writable_and_executable};

    const Segment segment{
        .address = header.address,
        .memory_size = header.memory_size,
        .file_offset = header.file_size == 0 ? 0 : header.offset,
        .file_size = header.file_size,
        .readable = (header.flags & flag_read) != 0,
        .writable = (header.flags & flag_write) != 0,
        .executable = (header.flags & flag_execute) != 0,
    };
    for (const Segment& other : image.segments())
        if (segment.page_begin() < other.page_end() && other.page_begin() < segment.page_end())
            return std::unexpected{Error::overlap};
    image.memory_size += segment.page_end() - segment.page_begin();
    if (image.memory_size > limits.memory_limit) return std::unexpected{Error::too_large};
    image.table[image.count++] = segment;
    return {};
}

[[nodiscard]] Check add_tls(Image& image, const ProgramHeader& header, Bytes file, const Limits& limits) {
    const std::uint64_t alignment = header.alignment == 0 ? 1 : header.alignment;
    if (image.thread_local_storage || (alignment & (alignment - 1)) != 0 || alignment > page_size ||
        header.file_size > header.memory_size || header.memory_size > limits.memory_limit ||
        (header.file_size != 0 && !fits(header.offset, header.file_size, file.size())))
        return std::unexpected{Error::bad_tls};
    image.thread_local_storage = ThreadLocal{.address = header.address,
                                             .file_offset = header.file_size == 0 ? 0 : header.offset,
                                             .file_size = header.file_size,
                                             .memory_size = header.memory_size,
                                             .alignment = alignment};
    return {};
}

[[nodiscard]] Check add_header(Image& image, const ProgramHeader& header, Bytes file, const Limits& limits) {
    switch (header.type) {
    case segment_load:
        return add_segment(image, header, file, limits);
    case segment_tls:
        return add_tls(image, header, file, limits);
    case segment_dynamic:
        if (!limits.relocatable) return std::unexpected{Error::dynamic};
        image.dynamic_address = header.address;
        image.dynamic_size = header.memory_size;
        return {};
    case segment_interpreter:
        return std::unexpected{Error::dynamic};
    case segment_gnu_stack:
        if ((header.flags & flag_execute) != 0) return std::unexpected{Error::executable_stack};
        return {};
    default:
        return {}; // notes, the headers themselves: nothing to map
    }
}

[[nodiscard]] bool entry_executable(const Image& image) {
    for (const Segment& segment : image.segments())
        if (segment.executable && image.entry >= segment.address && image.entry < segment.end()) return true;
    return false;
}

// Each thread's start copies the template from the program's own memory, so it must be readable there.
[[nodiscard]] bool tls_inside(const Image& image) {
    if (!image.thread_local_storage || image.thread_local_storage->file_size == 0) return true;
    const ThreadLocal& tls = *image.thread_local_storage;
    for (const Segment& segment : image.segments())
        if (segment.readable && tls.address >= segment.address &&
            fits(tls.address - segment.address, tls.file_size, segment.memory_size))
            return true;
    return false;
}

} // namespace

std::expected<Image, Problem> parse(Bytes file, const Limits& limits) {
    const auto table = check_header(file, limits);
    if (!table) return std::unexpected{Problem{table.error()}};
    Image image;
    image.entry = load<std::uint64_t>(file, 24);
    for (std::uint16_t i = 0; i < table->count; ++i) {
        const ProgramHeader header = read_program_header(file, table->offset + i * program_header_size);
        if (const Check check = add_header(image, header, file, limits); !check)
            return std::unexpected{Problem{check.error(), i}};
    }
    if (image.count == 0) return std::unexpected{Problem{Error::no_segment}};
    if (!entry_executable(image)) return std::unexpected{Problem{Error::bad_entry}};
    if (!tls_inside(image)) return std::unexpected{Problem{Error::bad_tls}};
    return image;
}

std::string_view text(Error error) {
    switch (error) {
    case Error::truncated_header:
        return "header cut off"sv;
    case Error::bad_magic:
        return "not an ELF file"sv;
    case Error::not_elf64:
        return "not 64-bit"sv;
    case Error::not_little_endian:
        return "not little endian"sv;
    case Error::bad_version:
        return "bad ELF version"sv;
    case Error::bad_abi:
        return "made for another system"sv;
    case Error::wrong_type:
        return "not the kind of executable that is wanted"sv;
    case Error::wrong_machine:
        return "made for another machine"sv;
    case Error::bad_header_size:
        return "bad header size"sv;
    case Error::too_many_headers:
        return "too many program headers"sv;
    case Error::headers_beyond_end:
        return "program headers beyond the end"sv;
    case Error::dynamic:
        return "dynamically linked"sv;
    case Error::executable_stack:
        return "wants an executable stack"sv;
    case Error::too_many_segments:
        return "too many segments"sv;
    case Error::no_segment:
        return "nothing to load"sv;
    case Error::empty_segment:
        return "empty segment"sv;
    case Error::file_larger_than_memory:
        return "segment larger in file than in memory"sv;
    case Error::data_beyond_end:
        return "segment beyond the end of the file"sv;
    case Error::bad_address:
        return "segment outside the user range"sv;
    case Error::misaligned:
        return "segment misaligned"sv;
    case Error::writable_and_executable:
        return "segment writable and executable"sv;
    case Error::overlap:
        return "segments overlap"sv;
    case Error::too_large:
        return "needs too much memory"sv;
    case Error::bad_entry:
        return "entry point not executable"sv;
    case Error::bad_tls:
        return "bad thread-local storage"sv;
    }
    return "unknown error"sv;
}

} // namespace chorale::formats::elf
