// The end of an actor and of a port: work on every CPU, in steps, on the thread that asked for it.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct Actor;
struct Port;
struct Thread;

// Deletes `actor` on behalf of `self`, the current thread; its call returns K_OK when all is gone, or never
// when `self` belongs to the actor. K_EBUSY: somebody else is at it.
[[nodiscard]] long delete_actor(Thread& self, Actor& actor);

// Deletes a port that begin_port_deletion() has taken out of the tables.
[[nodiscard]] long delete_port(Thread& self, Port& port, long result = K_OK);

} // namespace chorale
