// Linux's numbers of signals, the same on all its machines: those that mean something here.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::c_os {

enum class Signal : u8 {
    hang_up = 1,
    interrupt = 2,
    quit = 3,
    illegal_instruction = 4,
    trap = 5,
    abort = 6,
    bus_error = 7,
    floating_point = 8,
    kill = 9,
    segmentation = 11,
    terminate = 15,
    child = 17,
    go_on = 18,
    stop = 19,
    urgent = 23,
    window = 28,
};
inline constexpr unsigned signal_count = 64;

[[nodiscard]] constexpr int number_of(Signal signal) { return static_cast<int>(signal); }

// What a program that says nothing of it does not notice.
[[nodiscard]] constexpr bool ignored_by_default(int number) {
    return number == number_of(Signal::child) || number == number_of(Signal::go_on) ||
           number == number_of(Signal::urgent) || number == number_of(Signal::window);
}

} // namespace chorale::c_os
