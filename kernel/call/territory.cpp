#include "kernel/call/territory.hpp"

#include "kernel/call/handlers.hpp"
#include "kernel/supervisor/supervisor_space.hpp"

namespace chorale {

namespace {

// No actor has this name.
[[nodiscard]] bool is_nobody(const KnCap& name) {
    return name.ui.uiHead == 0 && name.ui.uiTail == 0 && name.key == 0;
}

[[nodiscard]] Territory nobodys() { return {&supervisor_space(), RegionOwner::nobody, nullptr, {}}; }

[[nodiscard]] Territory of(Actor& actor) {
    if (actor.privilege == K_SUPACTOR)
        return {&supervisor_space(), owner_of(actor), &actor, actor.capability};
    return {&actor.space, RegionOwner::nobody, &actor, actor.capability};
}

} // namespace

Result<Territory> territory_of(Thread& self, UserInOpt<KnCap> capability) {
    if (capability.address().raw() == reinterpret_cast<uword>(K_SVACTOR)) {
        if (!trusted(self)) return Status::privilege;
        return nobodys();
    }
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return actor.status();
    const Territory found = of(*actor.value());
    if (found.supervisor() && !trusted(self)) return Status::privilege;
    return found;
}

Result<Territory> territory_of(const KnCap& name) {
    if (is_nobody(name)) return nobodys();
    const Result<Actor*> actor = find_actor(name);
    if (!actor.ok()) return actor.status();
    return of(*actor.value());
}

} // namespace chorale
