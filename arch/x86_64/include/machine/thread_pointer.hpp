// The user's thread pointer (FS base). Where the CPU has FSGSBASE the user may change it at any time, so
// every entry saves it; elsewhere only the nucleus sets it.
#pragma once

#include <machine/frame.hpp>

namespace chorale::machine {

// Loads frame.fs_base into this CPU.
extern "C" void chorale_load_thread_pointer(const Frame& frame);
inline constexpr bool exit_loads_thread_pointer = false; // the message exit leaves FS base as it is
[[nodiscard]] inline bool same_thread_pointer(const Frame& a, const Frame& b) {
    return a.fs_base == b.fs_base;
}
inline void load_thread_pointer(const Frame& frame) { chorale_load_thread_pointer(frame); }

} // namespace chorale::machine
