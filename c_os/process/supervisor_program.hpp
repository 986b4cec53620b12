// Programs of supervisor actors: relocatable images, placed somewhere in the supervisor space and linked with
// the calls of the nucleus.
#pragma once

#include "c_os/base/error.hpp"
#include "formats/bytes.hpp"
#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale::c_os {

class Process;

// Where it begins. Errors: enoexec (the console has been told why), enomem.
[[nodiscard]] Result<u64> place_supervisor_program(const Process& process, formats::Bytes file,
                                                   std::string_view path);

} // namespace chorale::c_os
