// What the portable part of boot code (arch/common) has to know of this machine's address space.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/mmu.hpp>

namespace chorale::machine {

inline constexpr u64 physical_limit = u64{1}
                                      << 37; // what the direct map has room for; memory beyond is not used
inline constexpr u64 boot_memory_reach = physical_limit; // what the early tables map

// CPU stacks from here on, each in a slot of its own (machine/offsets.h); device registers behind them.
inline constexpr uword stacks_base = 0xffff'ffff'c000'0000;
inline constexpr uword stack_slot_size = STACK_SLOT_SIZE;
inline constexpr uword device_base =
    stacks_base + round_up((max_cpus + 1) * stack_slot_size, large_page_size);
inline constexpr uword device_size = 64 << 20;

inline constexpr unsigned nucleus_levels =
    3; // of the tables of the nucleus half: with Sv48 a root stands above
[[nodiscard]] inline unsigned largest_nucleus_leaf() { return 2; }

[[nodiscard]] inline PhysAddr image_physical(const void* address) {
    return PhysAddr{reinterpret_cast<uword>(address) - paging.image_offset};
}

// A hart may remember that an entry was absent: every hart is told of a new one.
void publish_nucleus_mapping(uword begin, uword bytes);

} // namespace chorale::machine
