// What the host machine knows of its memory beyond the bytes.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::host {

// How often the frame has been given back. A translation that was made before that leads nowhere any more.
[[nodiscard]] u32 frame_age(PhysAddr frame);

// For an engine that simulates weak memory order: called when memory changes hands, so that what was known
// of it is forgotten. nullptr: nobody.
using MemoryReused = void (*)(void* memory, std::size_t size);
void on_memory_reuse(MemoryReused listener);

// Whether the variables of code in supervisor mode lie there, which are the process's own and not simulated.
// nullptr: no machine, and none has any.
inline bool (*native_variables)(VirtAddr start, std::size_t bytes) = nullptr;

} // namespace chorale::host
