// What a machine that watches the nucleus wants to know of its memory: this one does not.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

inline void frames_taken(PhysAddr, unsigned) {}
inline void frames_released(PhysAddr, unsigned) {}
inline void object_taken(void*, std::size_t) {}
inline void object_released(void*, std::size_t) {}

} // namespace chorale::machine
