// What the allocators tell: memory that nobody owns any more must not be touched, nor reached through a
// translation that a TLB still remembers.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

// A block of 2^order frames, about to be used; and about to be given back.
void frames_taken(PhysAddr block, unsigned order);
void frames_released(PhysAddr block, unsigned order);

// Objects of caches whose memory is not kept readable.
void object_taken(void* object, std::size_t size);
void object_released(void* object, std::size_t size);

} // namespace chorale::machine
