// From a file to an actor's memory: the image is read whole, checked, and its segments are copied into
// regions of their own. Nothing of the file is believed.
#pragma once

#include "c_os/base/error.hpp"
#include "formats/elf.hpp"
#include "kernel/base/types.hpp"

#include <chorus/types.h>

#include <string_view>

namespace chorale::c_os {

class Process;

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
