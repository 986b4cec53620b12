// The one address space of all supervisor actors: a part of the nucleus half, mapped in every space. Images,
// system stacks and what supervisor actors allocate lie there, none of it accessible from user mode.
#pragma once

#include "kernel/mem/space.hpp"

namespace chorale {

struct Actor;
struct Thread;

// After the machine's tables are complete, before the first supervisor actor.
void init_supervisor_space();

[[nodiscard]] Space& supervisor_space();

// Whose regions there are the actor's: they go when it goes.
[[nodiscard]] RegionOwner owner_of(const Actor& actor);

// Where an address leads that the thread gave: threads in supervisor mode have the supervisor range beside
// their actor's space.
[[nodiscard]] Space& space_of(const Thread& self, VirtAddr at);

} // namespace chorale
