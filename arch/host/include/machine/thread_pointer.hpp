// The host machine has no thread pointer.
#pragma once

#include <machine/frame.hpp>

namespace chorale::machine {

inline constexpr bool exit_loads_thread_pointer = true;
[[nodiscard]] inline bool same_thread_pointer(const Frame&, const Frame&) { return true; }
inline void load_thread_pointer(const Frame&) {}

} // namespace chorale::machine
