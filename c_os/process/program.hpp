// From a file to an actor's memory: the image is read whole, checked, and its segments are copied into
// regions of their own. Nothing of the file is believed.
#pragma once

#include "c_os/base/error.hpp"
#include "c_os/file/path.hpp"
#include "formats/elf.hpp"

#include <chorus/types.h>

#include <string_view>

namespace chorale::c_os {

class Process;

// A file's bytes in C_OS's memory; of a compressed one, what it was before.
class FileImage {
  public:
    FileImage() = default;
    FileImage(const FileImage&) = delete;
    FileImage& operator=(const FileImage&) = delete;
    ~FileImage();

    // Errors: those of open(2) and read(2); eacces (may not be executed), enoexec (empty), efbig, enomem.
    [[nodiscard]] Done read(FileContext& files, std::string_view path);
    [[nodiscard]] formats::Bytes bytes() const { return {begin_, size_}; }

  private:
    [[nodiscard]] Done allocate(std::size_t size);
    [[nodiscard]] Done fill(OpenFile& file);
    [[nodiscard]] Done inflate();
    void free();

    std::byte* begin_{};
    std::size_t size_{};
};

// What start-up code is told about the program in its actor.
struct Program {
    u64 entry;
    u64 headers; // the address of the program headers, 0: not in memory
    u64 header_count;
    u64 end; // of its data
};

// Errors: enoexec (not for this machine, or not sound: the console has been told why), enomem.
[[nodiscard]] Result<Program> place_program(Process& process, formats::Bytes file, std::string_view path);

} // namespace chorale::c_os
