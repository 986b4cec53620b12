// Names of LAPs, and threads that wait for one (lapResolve). A waiting thread sleeps, in a list under the
// lock of the names; who binds the name asks its CPU to wake it, and it looks again.
#pragma once

#include "kernel/base/types.hpp"

#include <lap/chLap.h>

namespace chorale {

struct Thread;

inline constexpr unsigned binding_limit = 128;

// A name as a number: its characters, and zeros.
using LapName = u64;

// For `self`, the current thread. Errors: invalid, busy, full; no_result when its call ends later.
[[nodiscard]] long bind_lap(Thread& self, LapName name, const KnLapDesc& descriptor, u32 options);
[[nodiscard]] Status unbind_lap(LapName name);
// Writes the descriptor to `place` in the space of `self`, at once or later.
[[nodiscard]] long resolve_lap(Thread& self, LapName name, VirtAddr place, u32 options);

// The thread does not wait for a name any more.
void stop_resolving(Thread& thread);

} // namespace chorale
