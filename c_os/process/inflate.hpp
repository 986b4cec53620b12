// Programs that are kept compressed: gzip(1)'s format.
#pragma once

#include "c_os/base/error.hpp"
#include "formats/bytes.hpp"

#include <span>

namespace chorale::c_os {

[[nodiscard]] bool compressed(formats::Bytes file);
// As the file says it: nothing that one may rely on.
[[nodiscard]] std::size_t inflated_size(formats::Bytes file);
// Into exactly so many bytes. Errors: enoexec (not sound, or of another size), enomem.
[[nodiscard]] Done inflate_program(formats::Bytes file, std::span<std::byte> to);

} // namespace chorale::c_os
