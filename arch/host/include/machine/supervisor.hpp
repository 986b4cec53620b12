// This machine runs no supervisor actors.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

inline constexpr bool supervisor_actors = false;

inline constexpr uword supervisor_begin = 0xffff'ffe0'0000'0000;
inline constexpr uword supervisor_end = supervisor_begin;
inline constexpr unsigned supervisor_table_level = 2;

[[nodiscard]] inline PhysAddr supervisor_root() { return PhysAddr{}; }
inline void invalidate_all() {}
inline void interrupts_on() {}
[[nodiscard]] inline uword call_gate(unsigned) { return 0; }

[[nodiscard]] inline VirtAddr handler_return_address() { return VirtAddr{}; }
[[nodiscard]] inline bool supervisor_read(void*, VirtAddr, std::size_t) { return false; }
[[nodiscard]] inline bool supervisor_write(VirtAddr, const void*, std::size_t) { return false; }

extern "C" {
inline int chorale_lap_invoke(const void*, void*) { return -1; }
inline int chorale_lap_invoke_guarded(u64, u64, void*) { return -1; }
}
inline constexpr uword lap_kept_size = 0;
[[nodiscard]] inline VirtAddr lap_failed() { return VirtAddr{}; }
[[nodiscard]] inline uword lap_way_home() { return 0; }

inline constexpr u32 relocation_relative = 8, relocation_absolute = 1, relocation_global = 6,
                     relocation_jump = 7;

} // namespace chorale::machine
