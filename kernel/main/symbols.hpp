// Names for addresses in the nucleus: the symbol file is text, sorted, a line for each symbol: 16 hexadecimal
// digits, a space, the name. It is read where it lies, as it is only needed when everything else is broken.
#pragma once

#include "formats/bytes.hpp"
#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale::symbols {

struct Place {
    std::string_view name; // empty: unknown
    u64 offset;
};

// Must stay readable for ever. A file that is not of the form above finds nothing.
void use(formats::Bytes file);

[[nodiscard]] Place find(u64 address);

// As find(), in a file of the caller's.
[[nodiscard]] Place find_in(std::string_view file, u64 address);

} // namespace chorale::symbols
