// Programs that are kept compressed: gzip(1)'s format.
#pragma once

#include "c_os/base/error.hpp"
#include "kernel/boot/bytes.hpp"

#include <span>

namespace chorale::c_os {

[[nodiscard]] bool compressed(boot::Bytes file);
// As the file says it: nothing that one may rely on.
[[nodiscard]] std::size_t inflated_size(boot::Bytes file);
// Into exactly so many bytes. Errors: enoexec (not sound, or of another size), enomem.
[[nodiscard]] Done inflate_program(boot::Bytes file, std::span<std::byte> to);

} // namespace chorale::c_os
