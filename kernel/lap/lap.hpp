// Local access points. A LAP is a function of a supervisor actor; its descriptor is its place in a table and
// a key that cannot be guessed and is never used twice, so that who has a descriptor was given it, and a
// stale one fits nothing. LAP memory is type-stable.
//
// LAPs are invoked at thread level, without a lock or an atomic operation, with interrupts on
// (arch/*/supervisor/lap_invoke.S):
//
//   Core X (invokes a safe LAP)                       Core Y (deletes it)
//     A  the frame is linked to the thread              C  the key changes to one that nobody knows
//     B  the key is compared: else A is undone          D  every CPU has entered the nucleus (tour())
//                                                       E  the threads' frames are searched: who is inside
//                                                          is aborted
//                                                       F  searches again until nobody is
// When B sees the old key, it did so before X's part in D, and so did A: E finds the thread, unless it has
// left. Otherwise the thread never jumps. So the invocation needs no fence, and nothing is counted. A system
// call's handler is entered in the same order, with interrupts off, and a key of its own (direct_trap.hpp).
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/core/offsets.h"
#include "kernel/mem/relaxed.hpp"

#include <lap/chLap.h>

#include <atomic>
#include <cstddef>

namespace chorale {

struct Actor;
struct Lap;
struct Thread;

inline constexpr unsigned lap_limit = LAP_LIMIT;

struct Lap {
    std::atomic<u64> key{};
    Relaxed<u64> handler, cookie;
    Relaxed<uword> owner_and_kind; // Actor* with its options in the bits that are zeros there
    Relaxed<u32> dead;
    u32 place{};
    Thread* killer{}; // who frees it

    [[nodiscard]] Actor* owner() const {
        return reinterpret_cast<Actor*>(owner_and_kind.load() & ~uword{LAP_KINDS});
    }
};
static_assert(offsetof(Lap, key) == LAP_KEY && offsetof(Lap, handler) == LAP_HANDLER &&
              offsetof(Lap, cookie) == LAP_COOKIE && offsetof(Lap, owner_and_kind) == LAP_OWNER &&
              offsetof(Lap, dead) == LAP_DEAD);
static_assert(LAP_SAFE == K_LAP_SAFE && LAP_SETJMP == K_LAP_SETJMP && LAP_RAW == K_LAP_SAMEHOST);
static_assert(LAP_INVALID == K_EINVAL && LAP_DELETED == K_EABORT && LAP_FAILED == K_EFAIL);

// By KnLapDesc::ldPlace; null: none.
extern "C" std::atomic<Lap*> lap_table[lap_limit];

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

// C: no invocation begins any more. The LAP, which is its killer's to free; null: somebody else was first.
[[nodiscard]] Lap* kill_lap(const KnLapDesc& descriptor, Thread* killer);
// The LAPs of an actor, a few places of the table from `place` on, which goes on: kill those that live; free
// those that `killer` has killed. What there were; whether one is there that somebody else frees.
inline constexpr unsigned laps_per_step = 128;
enum class Laps : u8 { none, some, safe };
[[nodiscard]] Laps kill_laps_of(const Actor& owner, Thread* killer, u32& place);
[[nodiscard]] bool free_laps_of(const Actor& owner, const Thread* killer, u32& place);
void free_lap(Lap& lap);
// The site's system calls are this one's from now on, as long as it lives.
void connect_direct_trap(const KnLapDesc& descriptor);
// No more after it has begun to be deleted.
[[nodiscard]] bool has_laps(const Actor& owner);

// On behalf of `self`: C to F; the result of its call comes later, or now.
[[nodiscard]] long delete_lap(Thread& self, const KnLapDesc& descriptor);
[[nodiscard]] bool inside_lap(const Thread& thread, const KnLapDesc& descriptor);
// The same for a safe LAP of the nucleus's making, and then `next`; `aborts`: who is inside. False: it has
// died already.
[[nodiscard]] bool end_lap(Thread& self, const KnLapDesc& descriptor, bool aborts, void (*next)(Thread&));
// The same for all LAPs of an actor, before its threads; then `next`.
void delete_laps_of(Thread& self, Actor& actor, void (*next)(Thread&));

[[nodiscard]] u64 live_laps();

} // namespace chorale
