// Makes executables: for the round trip of what was read, and for the first inputs.
#pragma once

#include "formats/elf.hpp"

#include <cstring>
#include <vector>

namespace chorale::fuzz {

// `size` bytes, longer if the headers need it: header, program headers, zeros where the segments' bytes are.
// The headers stand in front and may lie in a segment's bytes, as linkers have it.
[[nodiscard]] inline std::vector<std::byte> elf_file(const formats::elf::Image& image, std::uint16_t machine,
                                                     std::size_t size) {
    constexpr std::size_t header = 64, entry = 56;
    const std::size_t tls = image.thread_local_storage ? 1 : 0;
    const std::size_t count = image.count + tls;
    std::vector<std::byte> file(size < header + entry * count ? header + entry * count : size);
    const auto put = [&](std::size_t offset, auto value) {
        std::memcpy(&file[offset], &value, sizeof value);
    };
    constexpr unsigned char identification[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    std::memcpy(file.data(), identification, sizeof identification);
    put(16, std::uint16_t{2});
    put(18, machine);
    put(20, std::uint32_t{1});
    put(24, image.entry);
    put(32, std::uint64_t{header});
    put(52, std::uint16_t{header});
    put(54, std::uint16_t{entry});
    put(56, static_cast<std::uint16_t>(count));
    std::size_t at = header;
    const auto add = [&](std::uint32_t type, std::uint32_t rights, const auto& part,
                         std::uint64_t alignment) {
        put(at, type);
        put(at + 4, rights);
        put(at + 8, part.file_offset);
        put(at + 16, part.address);
        put(at + 32, part.file_size);
        put(at + 40, part.memory_size);
        put(at + 48, alignment);
        at += entry;
    };
    for (const formats::elf::Segment& segment : image.segments()) {
        const std::uint32_t rights =
            (segment.executable ? 1u : 0u) | (segment.writable ? 2u : 0u) | (segment.readable ? 4u : 0u);
        add(1, rights, segment, formats::elf::page_size);
    }
    if (image.thread_local_storage)
        add(7, 4, *image.thread_local_storage, image.thread_local_storage->alignment);
    return file;
}

} // namespace chorale::fuzz
