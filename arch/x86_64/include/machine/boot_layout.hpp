// What the portable part of boot code (arch/common) has to know of this machine's address space.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/mmu.hpp>

namespace chorale::machine {

inline constexpr u64 physical_limit = u64{1} << 46;    // what the direct map has room for; not used beyond
inline constexpr u64 boot_memory_reach = u64{4} << 30; // what the early tables map

// CPU stacks from here on, 128 KiB for each CPU; device registers behind them.
inline constexpr uword stacks_base = 0xffff'ffff'c000'0000;
inline constexpr uword stack_slot_size = 128 << 10;
inline constexpr uword device_base = stacks_base + max_cpus * stack_slot_size;
inline constexpr uword device_size = 4 << 20;

inline constexpr unsigned nucleus_levels = 4; // of the tables of the nucleus half
[[nodiscard]] unsigned largest_nucleus_leaf();

[[nodiscard]] inline PhysAddr image_physical(const void* address) {
    return PhysAddr{reinterpret_cast<uword>(address) - nucleus_base};
}

// A mapping that appears needs no invalidation here: absent entries are not remembered.
inline void publish_nucleus_mapping(uword, uword) {}

} // namespace chorale::machine
