// The one address space of all supervisor actors: a part of the nucleus half, mapped in every space. Images,
// system stacks and what supervisor actors allocate lie there, none of it accessible from user mode.
#pragma once

#include "kernel/mem/space.hpp"

namespace chorale {

// After the machine's tables are complete, before the first supervisor actor.
void init_supervisor_space();

[[nodiscard]] Space& supervisor_space();

} // namespace chorale
