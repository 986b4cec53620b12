// Boot actors: the executables of the bank, each loaded into an actor of its own.
#pragma once

#include "formats/bytes.hpp"
#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale {

inline constexpr uword user_stack_size = 64 * 1024; // of the first thread of each

struct Loaded {
    unsigned running;
    bool as_wanted; // none that was named is missing
};

// Loads and starts the actors of the bank in its order: all of them, or those that the comma-separated
// `wanted` names. A file with a dot in its name, or in a folder, is data. What cannot be loaded is reported
// and left out.
[[nodiscard]] Loaded load_bank(formats::Bytes bank, std::string_view wanted);

} // namespace chorale
