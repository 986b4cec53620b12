// The watchdogs: whoever armed one and does not pat it in time is reported, and then the machine restarts.
//
// Two stages, both in software: when the interval is over a line on the console (and a hook, for a dump) says
// whose it was; when another interval is over the machine restarts, unless the owner has patted it meanwhile.
// A watchdog outlives its owner.
//
// All alarms stand at one CPU. Patting only writes down the new end: the alarm comes too early, looks, and is
// set again. Only what brings the end nearer calls that CPU.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/time/time_value.hpp"
#include "kernel/time/timer_queue.hpp"

#include <chorus.h>

namespace chorale {

struct Actor;
struct Request;

inline constexpr unsigned watchdog_limit = 4;
inline constexpr u64 shortest_watchdog = 10'000'000;                   // nanoseconds
inline constexpr u64 longest_watchdog = 3600 * nanoseconds_per_second; // an hour

// Called at the first stage, on the CPU of the alarms, with interrupts off.
using WatchdogHook = void (*)();
void set_watchdog_hook(WatchdogHook hook);

// Each names a watchdog by its handle. Errors: full (none is free); privilege (somebody else's); invalid (no
// such handle; not an interval; armed without one); busy (shutdown: one is still armed).
[[nodiscard]] Result<u64> allocate_watchdog(Actor& owner);
[[nodiscard]] Result<u64> take_over_watchdog(Actor& owner, u64 handle);
[[nodiscard]] Status free_watchdog(const Actor& owner, u64 handle);
[[nodiscard]] Status arm_watchdog(const Actor& owner, u64 handle);
[[nodiscard]] Status disarm_watchdog(const Actor& owner, u64 handle);
[[nodiscard]] Status pat_watchdog(const Actor& owner, u64 handle);
[[nodiscard]] Result<bool> watchdog_armed(const Actor& owner, u64 handle);
[[nodiscard]] Result<u64> watchdog_interval(const Actor& owner, u64 handle); // 0: none was set
[[nodiscard]] Status set_watchdog_interval(const Actor& owner, u64 handle, u64 interval);

// The system's own, armed while it starts and while it ends: the intervals are wdt.startup and wdt.shutdown
// of the command line, in seconds. No wdt.startup: nobody watches the start.
void watch_startup();
void end_of_startup();
[[nodiscard]] Status watch_shutdown();

// For inspection: whether that timer of a CPU's queue, or that request, is a watchdog's.
[[nodiscard]] bool is_watchdog(const Timer& timer);
[[nodiscard]] bool is_watchdog(const Request& request);

} // namespace chorale
