#include "c_os/process/program.hpp"

#include "c_os/console.hpp"
#include "c_os/process/process.hpp"

#include <mem/chMem.h>
#include <program_format.hpp>

namespace chorale::c_os {

namespace {

[[nodiscard]] u64 protection_of(const formats::elf::Segment& segment) {
    return prot_read | (segment.writable ? prot_write : 0) | (segment.executable ? prot_exec : 0);
}

[[nodiscard]] Done place(Process& process, formats::Bytes file, const formats::elf::Segment& segment,
                         u64 base) {
    const u64 begin = base + segment.page_begin();
    if (const Done done =
            process.space.allocate(begin, segment.page_end() - segment.page_begin(), protection_of(segment));
        !done)
        return failed(Error::enomem);
    if (segment.file_size == 0) return {};
    const auto from = reinterpret_cast<VmAddr>(file.data() + segment.file_offset);
    const int status =
        vmCopy(K_SVACTOR, from, &process.capability, base + segment.address, segment.file_size, 0);
    if (status != K_OK) return failed(Error::enomem);
    return {};
}

// Where the program headers are in memory: in the segment that has their place in the file.
[[nodiscard]] u64 address_of_headers(formats::Bytes file, const formats::elf::Image& image) {
    constexpr std::size_t header_place = 32; // Elf64_Ehdr::e_phoff
    const auto offset = formats::load<u64>(file, header_place);
    for (const formats::elf::Segment& segment : image.segments()) {
        if (offset >= segment.file_offset && offset - segment.file_offset < segment.file_size)
            return segment.address + (offset - segment.file_offset);
    }
    return 0;
}

} // namespace

Result<Program> place_program(Process& process, formats::Bytes file, std::string_view path) {
    formats::elf::Limits limits{.machine = elf_machine};
    auto image = formats::elf::parse(file, limits);
    u64 base = 0;
    if (!image && image.error().error == formats::elf::Error::wrong_type) {
        // Linkers let such an image begin at 0; where it goes there is room for so much.
        limits.relocatable = true;
        limits.address_begin = 0;
        limits.address_end = u64{1} << 32;
        image = formats::elf::parse(file, limits);
        base = process.space.image_base();
    }
    if (!image) {
        say_of_program("{}: {}", path, formats::elf::text(image.error().error));
        return failed(Error::enoexec);
    }
    u64 end = 0;
    for (const formats::elf::Segment& segment : image->segments()) {
        if (const Done done = place(process, file, segment, base); !done) return failed(done.error());
        if (segment.page_end() > end) end = segment.page_end();
    }
    const u64 headers = address_of_headers(file, *image);
    constexpr std::size_t count_place = 56; // Elf64_Ehdr::e_phnum
    return Program{base + image->entry, headers == 0 ? 0 : base + headers,
                   formats::load<u16>(file, count_place), base + end};
}

} // namespace chorale::c_os
