// Why a process ended that did not exit. The numbers are those of Linux's signals of the same meaning.
#pragma once

#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale::c_os {

enum class KillEvent : u8 {
    illegal_instruction = 4,
    breakpoint = 5,
    aborted = 6,
    bus_error = 7, // behind the end of a file that is mapped
    floating_point = 8,
    killed = 9, // akill
    memory_protection = 11,
    deleted = 15, // actorDelete
};

[[nodiscard]] std::string_view text(KillEvent event);

} // namespace chorale::c_os
