// The secured mode: /etc/security is there, and says who may do what (formats/security.hpp; the console goes
// by it).
#pragma once

#include "c_os/file/file_context.hpp"

#include <string_view>

namespace chorale::c_os {

inline constexpr std::string_view security_path = "/etc/security";

// Whether the system is secured: there is such a file, and everybody may read it.
[[nodiscard]] bool secured(FileContext& context);
// Supervisor actors may do all; where the system is secured only root loads any. Errors: eperm.
[[nodiscard]] Done may_load_supervisor(FileContext& context);

} // namespace chorale::c_os
