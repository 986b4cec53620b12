// Relocatable images: what the linker makes of a supervisor actor (-shared). parse() checks everything that
// the loader relies on, relocate() then says what to write where. Neither touches anything but the file, and
// the file is not trusted: a bad one ends in an error, with work bounded by its size.
#pragma once

#include "formats/callback.hpp"
#include "formats/elf.hpp"
#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale {

struct RelocatableImage {
    static constexpr std::size_t name_limit = 64; // of a symbol, with its NUL

    formats::elf::Image elf;
    u64 size{};  // of the address range, in whole pages
    u64 entry{}; // from the start of the image
    // Tables, by their place in the file. Empty: there is none.
    formats::Bytes symbols, names, relocations, plt_relocations;
};

enum class ImageError : u8 {
    none,
    not_elf,       // see Problem::elf
    no_dynamic,    // no dynamic segment: not linked with -shared
    bad_dynamic,   // a table lies outside the segments' file contents, or has the wrong entry size
    needs_library, // DT_NEEDED: there are no shared libraries
    thread_local_storage,
    bad_relocation, // of a kind that is not known
    bad_place,      // not inside writable data
    bad_symbol,     // outside the symbol table, or its name outside the names
    missing_symbol, // see Problem::name
    no_memory,      // the place could not be written
};

struct ImageProblem {
    ImageError error{ImageError::none};
    formats::elf::Error elf{};
    std::string_view name{}; // points into the file
};

[[nodiscard]] std::string_view text(const ImageProblem& problem);

// The kinds of relocation of one machine.
struct RelocationKinds {
    u32 relative, absolute, global, jump;
};

struct ParsedImage {
    RelocatableImage image;
    ImageProblem problem;
};
[[nodiscard]] ParsedImage parse_image(formats::Bytes file, u16 machine);

// `resolve` says where an undefined symbol is, 0: nowhere. `store` writes a word at an address.
using Resolve = uword (*)(std::string_view name);
[[nodiscard]] ImageProblem relocate(const RelocatableImage& image, VirtAddr base,
                                    const RelocationKinds& kinds, Resolve resolve,
                                    formats::Callback<bool(VirtAddr place, u64 value)> store);

} // namespace chorale
