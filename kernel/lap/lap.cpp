#include "kernel/lap/lap.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/names.hpp"
#include "kernel/mem/slab.hpp"

namespace chorale {

std::array<std::atomic<Lap*>, lap_limit> lap_table;

namespace {

constinit Cache<Lap, Reuse::stable> laps{"laps"};

// Who may write the table and the LAPs in it.
struct Places {
    unsigned used{};
    unsigned next{};
};
Guarded<Rank::laps, Places> places;

// A reader that still holds the memory's last key finds it changed before it can see any of this.
void reset(Lap& lap, Actor& owner, u64 handler, u64 cookie, u32 options) {
    lap.owner.store(&owner);
    lap.handler.store(handler);
    lap.cookie.store(cookie);
    lap.options.store(options);
    lap.dead.store(false);
    lap.inside.store(0, std::memory_order_relaxed); // relaxed: published with the key
}

// The key becomes one that is in no descriptor.
void kill(Lap& lap) {
    lap.dead.store(true);
    // seq_cst: D of the protocol in lap.hpp
    lap.key.store(make_key(), std::memory_order_seq_cst);
}

[[nodiscard]] Lap* at(u64 place) {
    // acquire: pairs with the release in create_lap()
    return place < lap_limit ? lap_table[place].load(std::memory_order_acquire) : nullptr;
}

} // namespace

LapTarget find_lap(const KnLapDesc& descriptor) {
    Lap* const lap = at(descriptor.ldPlace);
    // acquire: pairs with the release in create_lap(): what follows is of this key or a later one
    if (lap == nullptr || lap->key.load(std::memory_order_acquire) != descriptor.ldKey) return {};
    const LapTarget target{lap, lap->handler.load(), lap->cookie.load(), lap->owner.load(),
                           lap->options.load()};
    // acquire: pairs with the fence in create_lap(): with anything of a later LAP, the later key is seen
    std::atomic_thread_fence(std::memory_order_acquire);
    // seq_cst: C of the protocol in lap.hpp, for callers who have done A and B
    if (lap->key.load(std::memory_order_seq_cst) != descriptor.ldKey) return {};
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
        return descriptor;
    });
    if (!result.ok()) laps.destroy(&lap);
    return result;
}

Lap* kill_lap(const KnLapDesc& descriptor) {
    return places.with([&](Places&) -> Lap* {
        const LapTarget target = find_lap(descriptor);
        if (target.lap != nullptr) kill(*target.lap);
        return target.lap;
    });
}

DyingLaps kill_lap_of(const Actor& owner) {
    return places.with([&](Places& all) -> DyingLaps {
        DyingLaps found;
        unsigned left = all.used; // seldom many: with interrupts off no place is looked at in vain
        for (u64 place = 0; left != 0 && place < lap_limit; ++place) {
            Lap* const lap = at(place);
            if (lap == nullptr) continue;
            --left;
            if (lap->owner.load() != &owner) continue;
            if (!lap->dead.load()) {
                kill(*lap);
                found.killed = lap;
                break;
            }
            found.others = true;
        }
        return found;
    });
}

void free_lap(Lap& lap) {
    places.with([&](Places& all) {
        // relaxed: who still finds it there finds a key that does not fit
        lap_table[lap.place].store(nullptr, std::memory_order_relaxed);
        --all.used;
    });
    laps.destroy(&lap);
}

u64 live_laps() { return laps.statistics().live; }

} // namespace chorale
