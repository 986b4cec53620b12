// The memory calls for tests, and a way to cut any of them short.
#pragma once

#include "tests/machine/stage.hpp"

#include <functional>

namespace chorale::test {

inline constexpr VirtAddr nowhere{0x7f0'0000}; // no region is ever there

[[nodiscard]] host::Task<long> duplicate(KnCap to, KnCap from, VmFlags flags);
// Of the region at that address.
[[nodiscard]] host::Task<KnRgnStat> describe(KnCap actor, VirtAddr at);
// A word of an actor's memory.
[[nodiscard]] host::Task<u64> peek(KnCap actor, VirtAddr at);
[[nodiscard]] host::Task<void> poke(KnCap actor, VirtAddr at, u64 value);

// An actor that had that capability.
[[nodiscard]] host::Task<KnCap> gone_actor();

// Runs a scenario as run_world(), and fails for what its programs complain of too.
void play_clean(const host::Program& scenario, unsigned look_every = 100);

// Long work on an actor, in which somebody goes: the actor, or the thread that works. `prepare` fills the
// victim; `work` is one call, and `after` looks at what it has left when only the worker has gone.
struct LongCall {
    std::function<host::Task<void>(KnCap victim)> prepare;
    std::function<host::Task<long>(KnCap victim)> work;
    std::function<host::Task<void>(KnCap victim)> after;
};
// Once undisturbed, for which it returns the result; then with each of them going at moments all over the
// time that it took. The result of each call whose worker has stayed is given to `judge_end`.
[[nodiscard]] host::Task<long> cut_short(LongCall call, std::function<void(long)> judge_end);

} // namespace chorale::test
