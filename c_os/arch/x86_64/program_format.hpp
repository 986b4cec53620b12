// What programs of this machine are. x86-64.
#pragma once

#include "formats/relocatable.hpp"

#include <string_view>

namespace chorale::c_os {

inline constexpr std::string_view machine_name = "x86_64"; // uname -m
inline constexpr unsigned elf_machine = 62;

// Of the relocations that linkers leave in a shared image: relative, absolute, global, jump.
inline constexpr RelocationKinds relocation_kinds{8, 1, 6, 7};

} // namespace chorale::c_os
