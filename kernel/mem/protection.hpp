// What may be done with a page, in the machine's neutral words; machine/mmu.hpp turns them into page-table
// bits.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

enum class Protection : u8 {
    none = 0,
    read = 1,
    write = 2,
    execute = 4,
    user = 8,
    device = 16,
    global = 32,
    copy = 64 // others may have the frame too, and must not see what is written: the MMU refuses writes
};

[[nodiscard]] constexpr Protection operator|(Protection a, Protection b) {
    return static_cast<Protection>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr Protection operator&(Protection a, Protection b) {
    return static_cast<Protection>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}

[[nodiscard]] constexpr Protection without_write(Protection from) {
    return static_cast<Protection>(static_cast<unsigned>(from) & ~static_cast<unsigned>(Protection::write));
}

// True when `granted` holds every bit of `wanted`.
[[nodiscard]] constexpr bool allows(Protection granted, Protection wanted) {
    return (granted & wanted) == wanted;
}

} // namespace chorale
