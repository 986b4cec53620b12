// The numbers of Linux's system calls on this machine, by name.
#pragma once

#include <linux_calls.hpp>

namespace chorale::c_os {

// -1: the machine has no such call.
[[nodiscard]] constexpr int linux_call_number(std::string_view name) {
    for (const LinuxCall& call : linux_calls)
        if (call.name == name) return static_cast<int>(call.number);
    return -1;
}
// For messages; "" for a number that has no name.
[[nodiscard]] constexpr std::string_view linux_call_name(u64 number) {
    for (const LinuxCall& call : linux_calls)
        if (call.number == number) return call.name;
    return {};
}

} // namespace chorale::c_os
