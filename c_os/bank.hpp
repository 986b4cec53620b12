// The boot bank in C_OS's space.
#pragma once

#include "formats/bytes.hpp"

namespace chorale::c_os {

// Empty: there is none, or it cannot be mapped.
[[nodiscard]] formats::Bytes boot_bank();

} // namespace chorale::c_os
