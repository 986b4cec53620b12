// What the memory calls work on: the space of a user actor, what a supervisor actor has of the supervisor
// space, or what is nobody's there (K_SVACTOR).
//
// A call that goes on in steps keeps the name and looks it up again in each: an actor that is gone by then
// has taken its memory along. What is nobody's never goes.
#pragma once

#include "kernel/call/user_pointer.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/mem/space.hpp"

namespace chorale {

struct Thread;

struct Territory {
    Space* space;
    RegionOwner owner;
    Actor* actor; // null: K_SVACTOR
    KnCap name;

    [[nodiscard]] bool supervisor() const { return space->shared(); }
};

// The argument of a call. Errors: fault, invalid, unknown; privilege: supervisor memory is for SYSTEM actors
// and threads in supervisor mode.
[[nodiscard]] Result<Territory> territory_of(Thread& self, UserInOpt<KnCap> capability);
[[nodiscard]] Result<Territory> territory_of(const KnCap& name);

} // namespace chorale
