// A program file in C_OS's memory, whole; of a compressed one, what it was before.
#pragma once

#include "c_os/base/user_memory.hpp"
#include "c_os/file/path.hpp"
#include "formats/bytes.hpp"

#include <string_view>

namespace chorale::c_os {

// Where a program is to run. Only files that are named as relocatable (`.r`) run in the supervisor space, and
// those nowhere else.
enum class ProgramSpace : u8 { any, user, supervisor };

class ProgramFile {
  public:
    ProgramFile() = default;
    ProgramFile(const ProgramFile&) = delete;
    ProgramFile& operator=(const ProgramFile&) = delete;
    ~ProgramFile();

    // `path`, then what the manuals say is tried: `path`.r, `path`.gz; of those only what is for the space.
    // Errors: those of open(2) and read(2); eacces (may not be executed), enoexec (empty, not sound, or only
    // for the other space), efbig, enomem.
    [[nodiscard]] Done find(FileContext& files, std::string_view path, ProgramSpace space);
    [[nodiscard]] formats::Bytes bytes() const { return {begin_, size_}; }
    [[nodiscard]] std::string_view path() const { return {path_, path_size_}; } // that was found
    // Named as the images of supervisor actors are.
    [[nodiscard]] bool relocatable() const;

  private:
    [[nodiscard]] Done read(FileContext& files);
    [[nodiscard]] Done allocate(std::size_t size);
    [[nodiscard]] Done fill(OpenFile& file);
    [[nodiscard]] Done inflate();
    void free();

    char* path_{};
    std::size_t path_size_{};
    std::byte* begin_{};
    std::size_t size_{};
};

} // namespace chorale::c_os
