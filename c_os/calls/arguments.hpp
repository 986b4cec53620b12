// The arguments of a system call as they came in registers.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::c_os {

struct CallArguments {
    u64 value[6]{};

    [[nodiscard]] u64 operator[](std::size_t index) const { return value[index]; }
    // Programs pass an int in the low half of a register; what is in the other half nobody knows.
    [[nodiscard]] int integer(std::size_t index) const { return static_cast<int>(value[index]); }
    [[nodiscard]] u32 word(std::size_t index) const { return static_cast<u32>(value[index]); }
};

} // namespace chorale::c_os
