// What programs of this machine are. riscv64.
#pragma once

#include "formats/relocatable.hpp"

#include <string_view>

namespace chorale::c_os {

inline constexpr std::string_view machine_name = "riscv64"; // uname -m
inline constexpr unsigned elf_machine = 243;

// Of the relocations that linkers leave in a shared image: relative, absolute, global, jump.
inline constexpr RelocationKinds relocation_kinds{3, 2, 2, 5};

} // namespace chorale::c_os
