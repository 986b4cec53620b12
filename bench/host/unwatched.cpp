// In place of arch/host/memory.cpp: the host machine watches memory change hands in order to find mistakes;
// here, as on a real machine, nobody does.
#include "arch/host/memory.hpp"

#include <machine/memory_watch.hpp>

namespace chorale {

namespace host {

u32 frame_age(PhysAddr) { return 0; }
void on_memory_reuse(MemoryReused) {}

} // namespace host

namespace machine {

void frames_taken(PhysAddr, unsigned) {}
void frames_released(PhysAddr, unsigned) {}
void object_taken(void*, std::size_t) {}
void object_released(void*, std::size_t) {}

} // namespace machine

} // namespace chorale
