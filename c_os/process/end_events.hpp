// Why a process ended that did not exit. The numbers are those of Linux's signals of the same meaning.
#pragma once

#include "c_os/process/signal_numbers.hpp"

#include <string_view>

namespace chorale::c_os {

enum class KillEvent : u8 {
    illegal_instruction = number_of(Signal::illegal_instruction),
    breakpoint = number_of(Signal::trap),
    aborted = number_of(Signal::abort),
    bus_error = number_of(Signal::bus_error), // behind the end of a file that is mapped
    floating_point = number_of(Signal::floating_point),
    killed = number_of(Signal::kill), // akill
    memory_protection = number_of(Signal::segmentation),
    deleted = number_of(Signal::terminate), // actorDelete
};

[[nodiscard]] std::string_view text(KillEvent event);

} // namespace chorale::c_os
