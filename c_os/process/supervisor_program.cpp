#include "c_os/process/supervisor_program.hpp"

#include "c_os/base/bytes.hpp"
#include "c_os/console.hpp"
#include "c_os/process/process.hpp"
#include "formats/relocatable.hpp"

#include <mem/chMem.h>
#include <program_format.hpp>

namespace chorale::c_os {

namespace {

using formats::elf::Segment;

[[nodiscard]] uword resolve(std::string_view name) {
    char text[RelocatableImage::name_limit];
    if (name.size() >= sizeof text) return 0;
    name.copy(text, name.size());
    text[name.size()] = '\0';
    return svSymbolAddress(text);
}

// Everything is writable at first, in the one space that C_OS is in itself.
[[nodiscard]] Result<VmAddr> make_room(const Process& process, u64 size) {
    KnRgnDesc region{0, size, K_WRITABLE | K_FILLZERO | K_ANYWHERE | K_NODEMAND, 0, nullptr, 0};
    if (rgnAllocate(&process.capability, &region) != K_OK) return failed(Error::enomem);
    return region.startAddr;
}

[[nodiscard]] Done protect(const Process& process, VmAddr base, const Segment& segment) {
    if (segment.writable) return {};
    const VmFlags rights = segment.executable ? K_EXECUTABLE : 0;
    const KnRgnDesc region{
        base + segment.page_begin(), segment.page_end() - segment.page_begin(), rights, 0, nullptr, 0};
    if (rgnSetProtect(&process.capability, &region) != K_OK) return failed(Error::enomem);
    return {};
}

// The text comes by vmCopy: on return every CPU sees it as instructions.
[[nodiscard]] Done fill(const Process& process, VmAddr base, formats::Bytes file, const Segment& segment) {
    const std::byte* const from = file.data() + segment.file_offset;
    if (!segment.executable) {
        copy_bytes(reinterpret_cast<void*>(base + segment.address), from, segment.file_size);
        return {};
    }
    const int status = vmCopy(K_SVACTOR, reinterpret_cast<VmAddr>(from), &process.capability,
                              base + segment.address, segment.file_size, 0);
    if (status != K_OK) return failed(Error::enomem);
    return {};
}

[[nodiscard]] bool link(const RelocatableImage& image, VmAddr base, std::string_view path) {
    const ImageProblem problem =
        relocate(image, VirtAddr{base}, relocation_kinds, resolve, [](VirtAddr place, u64 value) {
            copy_bytes(reinterpret_cast<void*>(place.raw()), &value, sizeof value);
            return true;
        });
    if (problem.error != ImageError::none) say_of_program("{}: {} {}", path, text(problem), problem.name);
    return problem.error == ImageError::none;
}

} // namespace

Result<u64> place_supervisor_program(const Process& process, formats::Bytes file, std::string_view path) {
    const ParsedImage parsed = parse_image(file, elf_machine);
    if (parsed.problem.error != ImageError::none) {
        say_of_program("{}: {}", path, text(parsed.problem));
        return failed(Error::enoexec);
    }
    const Result<VmAddr> base = make_room(process, parsed.image.size);
    if (!base) return failed(base.error());
    for (const Segment& segment : parsed.image.elf.segments()) {
        if (const Done done = fill(process, *base, file, segment); !done) return failed(done.error());
    }
    if (!link(parsed.image, *base, path)) return failed(Error::enoexec);
    for (const Segment& segment : parsed.image.elf.segments()) {
        if (const Done done = protect(process, *base, segment); !done) return failed(done.error());
    }
    return *base + parsed.image.entry;
}

} // namespace chorale::c_os
