// Executables: what parse() accepts keeps its promises, reads the same when written out again, and loads into
// a space byte for byte.
#include "formats/elf.hpp"

#include "fuzz/elf_file.hpp"
#include "fuzz/target.hpp"
#include "kernel/mem/space.hpp"
#include "tests/host/mem/memory_machine.hpp"

#include <algorithm>
#include <vector>

namespace chorale::fuzz {
namespace {

namespace elf = formats::elf;
using elf::Image;
using elf::Segment;

[[nodiscard]] bool in_limits(const Segment& segment, const elf::Limits& limits) {
    return segment.memory_size != 0 && segment.address >= limits.address_begin &&
           segment.address <= limits.address_end &&
           segment.memory_size <= limits.address_end - segment.address &&
           segment.page_end() <= limits.address_end;
}

void check_segments(const Image& image, formats::Bytes file, const elf::Limits& limits) {
    std::uint64_t pages = 0;
    bool entered = false;
    for (const Segment& segment : image.segments()) {
        must(in_limits(segment, limits), "a segment lies in the user's part");
        must(formats::fits(segment.file_offset, segment.file_size, file.size()), "its bytes are in the file");
        must(segment.file_size <= segment.memory_size, "no more bytes than memory");
        must(!segment.writable || !segment.executable, "nothing is writable and executable");
        must(segment.file_size == 0 || segment.file_offset % 4096 == segment.address % 4096, "pages line up");
        entered =
            entered || (segment.executable && image.entry >= segment.address && image.entry < segment.end());
        pages += segment.page_end() - segment.page_begin();
        for (const Segment& other : image.segments())
            must(&other == &segment || segment.page_begin() >= other.page_end() ||
                     other.page_begin() >= segment.page_end(),
                 "no page belongs to two segments");
    }
    must(entered, "the entry is executable");
    must(image.memory_size == pages && pages <= limits.memory_limit, "the sum of the pages");
}

void check_tls(const Image& image, formats::Bytes file) {
    if (!image.thread_local_storage) return;
    const elf::ThreadLocal& tls = *image.thread_local_storage;
    must(formats::fits(tls.file_offset, tls.file_size, file.size()),
         "the thread-local bytes are in the file");
    must(tls.file_size <= tls.memory_size, "the thread-local template is no larger than the storage");
    must(std::has_single_bit(tls.alignment) && tls.alignment <= elf::page_size, "its alignment");
    if (tls.file_size == 0) return;
    must(std::ranges::any_of(image.segments(),
                             [&](const Segment& segment) {
                                 return segment.readable && tls.address >= segment.address &&
                                        formats::fits(tls.address - segment.address, tls.file_size,
                                                      segment.memory_size);
                             }),
         "the template can be read where it is");
}

void check_copy(const Image& image, const elf::Limits& limits, std::size_t size) {
    const std::vector<std::byte> file = elf_file(image, limits.machine, size);
    const auto again = elf::parse(file, limits);
    must(again.has_value() && again->count == image.count && again->entry == image.entry &&
             again->memory_size == image.memory_size,
         "an image written out reads the same");
    for (std::size_t i = 0; i < image.count; ++i) {
        const Segment &a = image.table[i], &b = again->table[i];
        must(a.address == b.address && a.memory_size == b.memory_size && a.file_size == b.file_size &&
                 a.readable == b.readable && a.writable == b.writable && a.executable == b.executable,
             "a segment written out reads the same");
    }
    must(again->thread_local_storage.has_value() == image.thread_local_storage.has_value(), "and the TLS");
}

// As the nucleus loads it: no two segments are in each other's way, and each byte is where it belongs.
void check_loading(const Image& image, formats::Bytes file) {
    constexpr std::uint64_t memory_limit = 1 << 20;
    if (image.memory_size > memory_limit) return;
    test::start_memory();
    Space space;
    must(space.create(1'000'000) == Status::ok, "a space is made");
    for (const Segment& segment : image.segments()) {
        const formats::Bytes bytes = file.subspan(segment.file_offset, segment.file_size);
        Protection protection = Protection::read;
        if (segment.writable) protection = protection | Protection::write;
        if (segment.executable) protection = protection | Protection::execute;
        must(space.map_segment(VirtAddr{segment.address}, segment.memory_size, bytes, protection) ==
                 Status::ok,
             "a segment is mapped");
    }
    for (const Segment& segment : image.segments()) {
        std::vector<std::byte> expected(segment.page_end() - segment.page_begin());
        std::ranges::copy(file.subspan(segment.file_offset, segment.file_size),
                          expected.begin() + static_cast<std::ptrdiff_t>(segment.address % 4096));
        std::vector<std::byte> loaded(expected.size(), std::byte{1});
        must(space.copy_from(loaded, VirtAddr{segment.page_begin()}) == Status::ok && loaded == expected,
             "a segment's memory holds its bytes and zeros");
    }
    while (!space.destroy_step()) {
    }
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const chorale::formats::Bytes file = bytes_of(data, size);
    const elf::Limits all_limits[] = {
        {.machine = elf::machine_x86_64},
        {.machine = elf::machine_riscv},
        {.machine = elf::machine_x86_64,
         .address_begin = 0x10000,
         .address_end = 0x80000,
         .memory_limit = 0x20000},
    };
    for (const elf::Limits& limits : all_limits) {
        const auto image = elf::parse(file, limits);
        if (!image) {
            must(!text(image.error().error).empty(), "a problem has a text");
            must(image.error().header < elf::program_header_limit,
                 "a problem is with a header that is there");
            continue;
        }
        check_segments(*image, file, limits);
        check_tls(*image, file);
        check_copy(*image, limits, size);
        check_loading(*image, file);
    }
    return 0;
}

// Mostly one field of the header or of a program header, in files that are right otherwise.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed) {
    constexpr std::size_t header = 64, entry = 56;
    Chance chance{seed};
    if (size < header + entry || chance.one_in(4)) return LLVMFuzzerMutate(data, size, limit);
    const auto put = [&](std::size_t offset, std::uint64_t value, std::size_t bytes) {
        if (offset + bytes <= size) std::memcpy(data + offset, &value, bytes);
    };
    const std::size_t headers = (size - header) / entry < 6 ? (size - header) / entry : 6;
    const std::size_t at = header + entry * chance.below(headers);
    constexpr std::uint64_t types[] = {1, 1, 1, 7, 2, 3, 0x6474'e551, 0};
    constexpr std::size_t fields[] = {8, 16, 32, 40, 48};
    const std::size_t field = fields[chance.below(5)];
    std::uint64_t old = 0;
    if (at + field + 8 <= size) std::memcpy(&old, data + at + field, 8);
    switch (chance.below(8)) {
    case 0:
        put(56, chance.below(20), 2); // how many program headers
        put(32, header, 8);
        break;
    case 1:
        put(at, types[chance.below(8)], 4);
        break;
    case 2:
        put(at + 4, chance.below(8), 4); // its rights
        break;
    case 3:
        put(24, chance.one_in(2) ? old : chance.number(), 8); // the entry
        break;
    case 4:
        put(at + field, chance.number(), 8);
        break;
    case 5:
        std::memmove(data + at, data + header + entry * chance.below(headers), entry);
        break;
    case 6:
        put(18, chance.one_in(2) ? elf::machine_x86_64 : elf::machine_riscv, 2);
        break;
    default:
        put(at + field, old + 4096 * (chance.below(9) - 4), 8);
    }
    return size;
}
