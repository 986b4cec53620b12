#include "kernel/lap/lap.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/names.hpp"
#include "kernel/lap/direct_trap.hpp"
#include "kernel/mem/slab.hpp"

namespace chorale {

extern "C" {
std::atomic<Lap*> lap_table[lap_limit];
std::atomic<u64> chorale_direct_trap;
}

namespace {

constinit Cache<Lap, Reuse::stable> laps{"laps"};

// Who may write the table and the LAPs in it.
struct Places {
    unsigned used{};
    unsigned next{};
};
Guarded<Rank::laps, Places> places;

// A reader that still holds the memory's last key finds it changed if it has seen any of this.
void reset(Lap& lap, Actor& owner, u64 handler, u64 cookie, u32 options) {
    lap.owner_and_kind.store(reinterpret_cast<uword>(&owner) | options);
    lap.handler.store(handler);
    lap.cookie.store(cookie);
    lap.dead.store(0);
}

// The key becomes one that is in no descriptor. C of the protocols in lap.hpp and direct_trap.hpp.
[[gnu::noinline]] void kill(Lap& lap, Thread* killer) {
    lap.dead.store(1);
    lap.killer = killer;
    // relaxed, all three: written under the lock that is held; published by the release below
    if (chorale_direct_trap.load(std::memory_order_relaxed) == lap.key.load(std::memory_order_relaxed))
        chorale_direct_trap.store(0, std::memory_order_relaxed);
    // release: D publishes it before E begins
    lap.key.store(make_key(), std::memory_order_release);
}

[[nodiscard]] Lap* at(u64 place) {
    // acquire: pairs with the release in create_lap()
    return place < lap_limit ? lap_table[place].load(std::memory_order_acquire) : nullptr;
}

} // namespace

LapTarget find_lap(const KnLapDesc& descriptor) {
    Lap* const lap = at(descriptor.ldPlace);
    if (lap == nullptr) return {};
    const LapTarget target{lap, lap->handler.load(), lap->cookie.load(), lap->owner(),
                           static_cast<u32>(lap->owner_and_kind.load() & LAP_KINDS)};
    // acquire: pairs with the fence in create_lap(): with anything of a later LAP, the later key is seen.
    // What is of an earlier one was before there was this descriptor.
    std::atomic_thread_fence(std::memory_order_acquire);
    // relaxed: see above
    if (lap->key.load(std::memory_order_relaxed) != descriptor.ldKey) return {};
    return target;
}

Result<KnLapDesc> create_lap(Actor& owner, u64 handler, u64 cookie, u32 options) {
    const Result<Lap*> made = laps.make();
    if (!made.ok()) return made.status();
    Lap& lap = *made.value();
    const Result<KnLapDesc> result = places.with([&](Places& all) -> Result<KnLapDesc> {
        // relaxed, both: set under the lock of the actor table, and looked at again by whoever deletes it,
        // under this one
        if (owner.dying.load(std::memory_order_relaxed)) return Status::unknown;
        if (all.used == lap_limit) return Status::full;
        // relaxed: as above
        while (lap_table[all.next].load(std::memory_order_relaxed) != nullptr)
            all.next = (all.next + 1) % lap_limit;
        const KnLapDesc descriptor{all.next, make_key()};
        // release: pairs with the fence in find_lap()
        std::atomic_thread_fence(std::memory_order_release);
        reset(lap, owner, handler, cookie, options);
        lap.place = all.next;
        // release, both: pair with the acquires in find_lap()
        lap.key.store(descriptor.ldKey, std::memory_order_release);
        lap_table[all.next].store(&lap, std::memory_order_release);
        ++all.used;
        ++owner.laps;
        return descriptor;
    });
    if (!result.ok()) laps.destroy(&lap);
    return result;
}

Lap* kill_lap(const KnLapDesc& descriptor, Thread* killer) {
    return places.with([&](Places&) -> Lap* {
        const LapTarget target = find_lap(descriptor);
        if (target.lap != nullptr) kill(*target.lap, killer);
        return target.lap;
    });
}

Laps kill_laps_of(const Actor& owner, Thread* killer, u32& place) {
    return places.with([&](Places&) {
        Laps found = Laps::none;
        for (const u32 end = place + laps_per_step; place < end; ++place) {
            Lap* const lap = at(place);
            if (lap == nullptr || lap->owner() != &owner) continue;
            const bool safe = (lap->owner_and_kind.load() & LAP_SAFE) != 0;
            if (found != Laps::safe) found = safe ? Laps::safe : Laps::some;
            if (lap->dead.load() == 0) kill(*lap, killer);
        }
        return found;
    });
}

bool free_laps_of(const Actor& owner, const Thread* killer, u32& place) {
    bool others = false;
    Lap* const mine = places.with([&](Places&) -> Lap* {
        for (const u32 end = place + laps_per_step; place < end;) {
            Lap* const lap = at(place++);
            if (lap == nullptr || lap->owner() != &owner) continue;
            if (lap->killer == killer) return lap;
            others = true;
        }
        return nullptr;
    });
    if (mine != nullptr) free_lap(*mine);
    return others;
}

// Under the lock under which LAPs die: a dead one never stays connected.
void connect_direct_trap(const KnLapDesc& descriptor) {
    places.with([&](Places&) {
        // relaxed: it says which of what a thread has prepared itself may be used, and publishes nothing
        chorale_direct_trap.store(lap_lives(descriptor) ? descriptor.ldKey : 0, std::memory_order_relaxed);
    });
}

void free_lap(Lap& lap) {
    places.with([&](Places& all) {
        // relaxed: who still finds it there finds a key that does not fit
        lap_table[lap.place].store(nullptr, std::memory_order_relaxed);
        --all.used;
        --lap.owner()->laps;
    });
    laps.destroy(&lap);
}

bool has_laps(const Actor& owner) {
    return places.with([&](Places&) { return owner.laps != 0; });
}

u64 live_laps() { return laps.statistics().live; }

} // namespace chorale
