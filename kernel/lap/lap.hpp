// Local access points. A LAP is a function of a supervisor actor; its descriptor is its place in a table and
// a key that cannot be guessed and is never used twice, so that who has a descriptor was given it, and a
// stale one fits nothing. LAP memory is type-stable.
//
// LAPs are invoked at thread level, without a lock, with interrupts on (kernel/lap/invoke.cpp):
//
//   Core X (invokes a safe LAP)                       Core Y (deletes it)
//     A  the frame is linked to the thread              D  the key changes to one that nobody knows
//     B  inside is incremented                          E  the threads' frames are searched: who is inside
//     C  the key is compared: else A and B are undone      is aborted
//                                                       F  waits until inside is 0
// All are seq_cst. When C sees the old key, A and B come before D: the thread is found at E, unless it has
// left, and F waits for it. Otherwise the thread never jumps.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

#include <lap/chLap.h>

#include <array>
#include <atomic>

namespace chorale {

struct Actor;
struct Lap;
struct Thread;

inline constexpr unsigned lap_limit = 1024;

struct Lap {
    std::atomic<u64> key{};
    Relaxed<u64> handler, cookie;
    Relaxed<Actor*> owner;
    Relaxed<u32> options;
    Relaxed<bool> dead;
    std::atomic<u32> inside; // threads in a safe LAP; outlives the key
    u32 place{};
};

// By KnLapDesc::ldPlace; null: none.
extern std::array<std::atomic<Lap*>, lap_limit> lap_table;

// What an invocation needs of a LAP, all of the same one.
struct LapTarget {
    Lap* lap{}; // null: the descriptor fits none
    u64 handler{}, cookie{};
    Actor* owner{};
    u32 options{};
};
[[nodiscard]] LapTarget find_lap(const KnLapDesc& descriptor);
[[nodiscard]] inline bool lap_lives(const KnLapDesc& descriptor) {
    return find_lap(descriptor).lap != nullptr;
}

[[nodiscard]] constexpr bool same_lap(const KnLapDesc& one, const KnLapDesc& other) {
    return one.ldPlace == other.ldPlace && one.ldKey == other.ldKey;
}

// Errors: no_memory, full, unknown (the actor is being deleted).
[[nodiscard]] Result<KnLapDesc> create_lap(Actor& owner, u64 handler, u64 cookie, u32 options);

// D: no invocation begins any more. The LAP, which is its caller's to free; null: somebody else was first.
[[nodiscard]] Lap* kill_lap(const KnLapDesc& descriptor);
// The next one of an actor; null: none that lives, and then whether one is there that somebody else deletes.
struct DyingLaps {
    Lap* killed{};
    bool others{};
};
[[nodiscard]] DyingLaps kill_lap_of(const Actor& owner);
void free_lap(Lap& lap);

// On behalf of `self`: kill, E and F; the result of its call comes later, or now.
[[nodiscard]] long delete_lap(Thread& self, const KnLapDesc& descriptor);
// The same for all LAPs of an actor, before its threads; then `next`.
void delete_laps_of(Thread& self, Actor& actor, void (*next)(Thread&));

[[nodiscard]] u64 live_laps();

} // namespace chorale
