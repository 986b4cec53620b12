// The reader of ELF64 executables, statically linked or relocatable to any address: it says what to map
// where, or why it will not.
// Invariant: in an Image that parse() returned, every file range lies in the file, every address range
// in the limits, no two segments share a page, none is writable and executable.
#pragma once

#include "formats/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace chorale::formats::elf {

inline constexpr std::uint16_t machine_x86_64 = 62;
inline constexpr std::uint16_t machine_riscv = 243;
inline constexpr std::uint64_t page_size = 4096;
inline constexpr std::size_t segment_limit = 16;
inline constexpr std::size_t program_header_limit = 64;

struct Limits {
    std::uint16_t machine;
    std::uint64_t address_begin = page_size; // nothing below: a null pointer must fault
    std::uint64_t address_end = 0x0000'7fff'ffff'f000;
    std::uint64_t memory_limit = std::uint64_t{1} << 30; // sum of the segments, in whole pages
    bool relocatable = false; // ET_DYN is wanted, with addresses from the start of the image
};

struct Segment {
    std::uint64_t address = 0;
    std::uint64_t memory_size = 0; // what lies beyond file_size is zero
    std::uint64_t file_offset = 0;
    std::uint64_t file_size = 0;
    bool readable = false;
    bool writable = false;
    bool executable = false;

    [[nodiscard]] std::uint64_t end() const { return address + memory_size; }
    [[nodiscard]] std::uint64_t page_begin() const { return align_down(address, page_size); }
    [[nodiscard]] std::uint64_t page_end() const { return align_up(end(), page_size); }
};

// The template of a thread's initial thread-local storage; it lies inside one of the segments.
struct ThreadLocal {
    std::uint64_t address = 0;
    std::uint64_t file_offset = 0;
    std::uint64_t file_size = 0;
    std::uint64_t memory_size = 0;
    std::uint64_t alignment = 1;
};

struct Image {
    std::uint64_t entry = 0;
    std::uint64_t memory_size = 0; // sum over the segments, in whole pages
    std::array<Segment, segment_limit> table{};
    std::size_t count = 0;
    std::optional<ThreadLocal> thread_local_storage;
    std::uint64_t dynamic_address = 0; // of a relocatable image's dynamic section
    std::uint64_t dynamic_size = 0;

    [[nodiscard]] std::span<const Segment> segments() const { return {table.data(), count}; }
};

enum class Error : std::uint8_t {
    truncated_header,
    bad_magic,
    not_elf64,
    not_little_endian,
    bad_version,
    bad_abi,
    wrong_type,
    wrong_machine,
    bad_header_size,
    too_many_headers,
    headers_beyond_end,
    dynamic,
    executable_stack,
    too_many_segments,
    no_segment,
    empty_segment,
    file_larger_than_memory,
    data_beyond_end,
    bad_address,
    misaligned,
    writable_and_executable,
    overlap,
    too_large,
    bad_entry,
    bad_tls,
};

[[nodiscard]] std::string_view text(Error error);

struct Problem {
    Error error;
    std::uint16_t header = 0; // the program header concerned, where it is one
};

[[nodiscard]] std::expected<Image, Problem> parse(Bytes file, const Limits& limits);

} // namespace chorale::formats::elf
