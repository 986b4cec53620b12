// The user's thread pointer (tp): saved at every entry and loaded at every exit, as any other register.
#pragma once

#include <machine/frame.hpp>

namespace chorale::machine {

inline constexpr bool exit_loads_thread_pointer = true;
[[nodiscard]] inline bool same_thread_pointer(const Frame& a, const Frame& b) { return a.tp == b.tp; }
inline void load_thread_pointer(const Frame&) {}

} // namespace chorale::machine
