#include "c_os/process/program_file.hpp"

#include "c_os/base/buffer.hpp"
#include "c_os/console.hpp"
#include "c_os/process/inflate.hpp"

#include <mem/chMem.h>

#include <new>

namespace chorale::c_os {

namespace {

constexpr std::size_t file_limit = std::size_t{64} << 20;
constexpr std::string_view relocatable_suffix = ".r", compressed_suffix = ".gz";
constexpr std::string_view suffixes[] = {"", relocatable_suffix, compressed_suffix, ".r.gz"};

} // namespace

bool ProgramFile::relocatable() const {
    std::string_view name = path();
    if (name.ends_with(compressed_suffix)) name.remove_suffix(compressed_suffix.size());
    return name.ends_with(relocatable_suffix);
}

Done ProgramFile::find(FileContext& files, std::string_view path, ProgramSpace space) {
    constexpr std::size_t longest = 5;
    if (path.size() + longest >= path_limit) return failed(Error::enametoolong);
    if (path_ == nullptr) path_ = new (std::nothrow) char[path_limit];
    if (path_ == nullptr) return failed(Error::enomem);
    path.copy(path_, path.size());
    Done done = failed(Error::enoent);
    for (const std::string_view suffix : suffixes) {
        suffix.copy(path_ + path.size(), suffix.size());
        path_size_ = path.size() + suffix.size();
        const Done found = read(files);
        if (found && space != ProgramSpace::any && relocatable() != (space == ProgramSpace::supervisor)) {
            done = failed(Error::enoexec);
            continue;
        }
        if (found || found.error() != Error::enoent) return found;
    }
    if (done.error() == Error::enoexec)
        say_of_program("{}: only for the other space, {}", path,
                       space == ProgramSpace::user ? "the supervisor's" : "one of its own");
    return done;
}

ProgramFile::~ProgramFile() {
    free();
    delete[] path_;
}

void ProgramFile::free() {
    if (begin_ != nullptr) svPagesFree(reinterpret_cast<VmAddr>(begin_), round_up(size_, page_size));
    begin_ = nullptr;
}

Done ProgramFile::allocate(std::size_t size) {
    if (size == 0) return failed(Error::enoexec);
    if (size > file_limit) return failed(Error::efbig);
    VmAddr address = 0;
    if (svPagesAllocate(&address, round_up(size, page_size), 0, K_MYACTOR) != K_OK)
        return failed(Error::enomem);
    begin_ = reinterpret_cast<std::byte*>(address);
    size_ = size;
    return {};
}

Done ProgramFile::inflate() {
    constexpr std::size_t most = 1032; // bytes for one: what zlib's format comes to
    const std::size_t size = inflated_size(bytes());
    if (size / most > size_) return failed(Error::enoexec); // cut off
    ProgramFile inflated;
    if (const Done done = inflated.allocate(size); !done) return done;
    if (const Done done = inflate_program(bytes(), {inflated.begin_, inflated.size_}); !done) return done;
    std::swap(begin_, inflated.begin_);
    std::swap(size_, inflated.size_);
    return {};
}

Done ProgramFile::read(FileContext& files) {
    const Result<Ref<OpenFile>> file = open_file(files, at_current_directory, path(), open_read_only);
    if (!file) return failed(file.error());
    Node& node = (*file)->node();
    if (const Done done = node.check_access(files.credentials(), access_execute); !done) return done;
    const Attributes attributes = node.attributes();
    if (attributes.kind != NodeKind::regular) return failed(Error::eacces);
    free();
    if (const Done done = allocate(attributes.size); !done) return done;
    if (const Done done = fill(**file); !done) return done;
    if (!compressed(bytes())) return {};
    const Done done = inflate();
    if (!done && done.error() == Error::enoexec) say_of_program("{}: compressed, and damaged", path());
    return done;
}

// A file that gets shorter meanwhile ends in zeros.
Done ProgramFile::fill(OpenFile& file) {
    Buffer buffer = Buffer::of_memory(begin_, size_);
    while (buffer.left() != 0) {
        const Result<std::size_t> count = file.read_at(buffer.done(), buffer);
        if (!count) return failed(count.error());
        if (*count == 0) return {};
    }
    return {};
}

} // namespace chorale::c_os
