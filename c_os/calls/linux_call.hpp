// A row of the tables of Linux's system calls.
#pragma once

#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale::c_os {

struct LinuxCall {
    std::string_view name;
    u32 number;
};

} // namespace chorale::c_os
