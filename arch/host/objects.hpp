// Synchronisation objects for programs of the host machine: lib/sync/ as coroutines, on the same words and
// with the same nucleus calls. `at` is the object's address in the program's space.
#pragma once

#include "arch/host/user.hpp"

#include <sync/chEvent.h>
#include <sync/chMonitor.h>
#include <sync/chMutex.h>
#include <sync/chRtMutex.h>
#include <sync/chSem.h>

namespace chorale::host {

// A wait's limit: `no_limit`, abortable or not, or so many nanoseconds.
inline constexpr u64 no_limit = ~u64{0};
inline constexpr u64 no_limit_no_abort = no_limit - 1;

[[nodiscard]] Task<long> mutex_get(VirtAddr at);
[[nodiscard]] Task<long> mutex_release(VirtAddr at);
[[nodiscard]] Task<long> sem_p(VirtAddr at, u64 limit);
[[nodiscard]] Task<long> sem_v(VirtAddr at);
[[nodiscard]] Task<long> event_post(VirtAddr at, u32 mask);
[[nodiscard]] Task<void> event_clear(VirtAddr at, u32 mask);
[[nodiscard]] Task<long> event_wait(VirtAddr at, u32 mask, int operation, u64 limit); // the flags
[[nodiscard]] Task<long> monitor_get(VirtAddr at);
[[nodiscard]] Task<long> monitor_release(VirtAddr at);
[[nodiscard]] Task<long> monitor_wait(VirtAddr at, u64 limit);
[[nodiscard]] Task<long> monitor_notify(VirtAddr at, bool all);

} // namespace chorale::host
