#include "c_os/process/program.hpp"

#include "c_os/base/buffer.hpp"
#include "c_os/console.hpp"
#include "c_os/process/inflate.hpp"
#include "c_os/process/process.hpp"

#include <mem/chMem.h>
#include <trap_context.hpp>

namespace chorale::c_os {

namespace {

constexpr std::size_t file_limit = std::size_t{64} << 20;

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

FileImage::~FileImage() { free(); }

void FileImage::free() {
    if (begin_ != nullptr) svPagesFree(reinterpret_cast<VmAddr>(begin_), round_up(size_, page_size));
    begin_ = nullptr;
}

Done FileImage::allocate(std::size_t size) {
    if (size == 0) return failed(Error::enoexec);
    if (size > file_limit) return failed(Error::efbig);
    VmAddr address = 0;
    if (svPagesAllocate(&address, round_up(size, page_size), 0, K_MYACTOR) != K_OK)
        return failed(Error::enomem);
    begin_ = reinterpret_cast<std::byte*>(address);
    size_ = size;
    return {};
}

Done FileImage::inflate() {
    FileImage inflated;
    if (const Done done = inflated.allocate(inflated_size(bytes())); !done) return done;
    if (const Done done = inflate_program(bytes(), {inflated.begin_, inflated.size_}); !done) return done;
    std::swap(begin_, inflated.begin_);
    std::swap(size_, inflated.size_);
    return {};
}

Done FileImage::read(FileContext& files, std::string_view path) {
    const Result<Ref<OpenFile>> file = open_file(files, at_current_directory, path, open_read_only);
    if (!file) return failed(file.error());
    Node& node = (*file)->node();
    if (const Done done = node.check_access(files.credentials(), access_execute); !done) return done;
    const Attributes attributes = node.attributes();
    if (attributes.kind != NodeKind::regular) return failed(Error::eacces);
    free();
    if (const Done done = allocate(attributes.size); !done) return done;
    if (const Done done = fill(**file); !done) return done;
    return compressed(bytes()) ? inflate() : Done{};
}

// A file that gets shorter meanwhile ends in zeros.
Done FileImage::fill(OpenFile& file) {
    Buffer buffer = Buffer::of_memory(begin_, size_);
    while (buffer.left() != 0) {
        const Result<std::size_t> count = file.read_at(buffer.done(), buffer);
        if (!count) return failed(count.error());
        if (*count == 0) return {};
    }
    return {};
}

Result<Program> place_program(Process& process, formats::Bytes file, std::string_view path) {
    formats::elf::Limits limits{.machine = elf_machine};
    auto image = formats::elf::parse(file, limits);
    u64 base = 0;
    if (!image && image.error().error == formats::elf::Error::wrong_type) {
        limits.relocatable = true;
        image = formats::elf::parse(file, limits);
        base = process.space.image_base();
    }
    if (!image) {
        say("{}: {}", path, formats::elf::text(image.error().error));
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
