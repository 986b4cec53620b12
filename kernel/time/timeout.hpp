// Timeouts (svSysTimeoutSet(2K)): raw LAPs that are invoked at interrupt level.
//
// A timeout is known by the address of the actor's KnTimeout, which is never looked at: so nothing that is
// written there can confuse the nucleus, and an actor may disappear with timeouts pending. Its object is in
// a hash by that address, under the lock of its bucket, and in the timer queue of its home, the CPU where it
// was set.
//
//   armed     in both
//   running   in the hash; the home is calling the handler
//   dropped   not in the hash: cancelled, or set anew. Nothing is called. Only the home can take it out of
//             the timer queue: another CPU sends it its Request. From running it is the home's to free.
#pragma once

#include "kernel/base/types.hpp"

#include <lap/chLap.h>

namespace chorale {

struct Request;
struct Timer;

// Down to whole multiples of the resolution, but to one at the least.
[[nodiscard]] constexpr u64 timeout_interval(u64 nanoseconds, u64 resolution) {
    return nanoseconds < resolution ? resolution : nanoseconds - nanoseconds % resolution;
}

// Errors: no_memory.
[[nodiscard]] Status set_timeout(u64 address, u64 nanoseconds, const KnLapDesc& lap);
// Errors: invalid (not set), busy (running).
[[nodiscard]] Status cancel_timeout(u64 address);

[[nodiscard]] u64 live_timeouts();
[[nodiscard]] bool is_timeout(const Timer& timer);
[[nodiscard]] bool is_timeout(const Request& request);

} // namespace chorale
