// One call for all that <cx/wdt.h> does (lib/time/watchdog.cpp).
#include "kernel/call/handlers.hpp"
#include "kernel/time/time_value.hpp"
#include "kernel/time/watchdog.hpp"

namespace chorale::calls {

namespace {

// For those whose result is a handle, or an interval.
[[nodiscard]] long tell(UserInOut<KnWatchdog> at, KnWatchdog what, Status status) {
    if (status != Status::ok) return static_cast<long>(status);
    return static_cast<long>(at.write(what));
}

// There are few: one whose owner has not been told is given back. The place was written to a moment ago.
[[nodiscard]] long allocate(Actor& actor, UserInOut<KnWatchdog> at) {
    const Result<u64> handle = allocate_watchdog(actor);
    const long result = tell(at, {handle.value(), {}}, handle.status());
    if (result == K_EFAULT) static_cast<void>(free_watchdog(actor, handle.value()));
    return result;
}

[[nodiscard]] long set_interval(const Actor& actor, const KnWatchdog& wanted) {
    const Result<u64> interval = nanoseconds_of(wanted.wdInterval);
    if (!interval.ok()) return K_EINVAL;
    return static_cast<long>(set_watchdog_interval(actor, wanted.wdHandle, interval.value()));
}

[[nodiscard]] long is_armed(const Actor& actor, u64 handle) {
    const Result<bool> armed = watchdog_armed(actor, handle);
    return armed.ok() ? long{armed.value()} : static_cast<long>(armed.status());
}

} // namespace

long sysWatchdog(Thread& self, unsigned int operation, UserInOut<KnWatchdog> at) {
    const Result<KnWatchdog> given = at.read();
    // What could not be told afterwards is not done.
    if (!given.ok() || at.write(given.value()) != Status::ok) return K_EFAULT;
    Actor& actor = *self.actor;
    const u64 handle = given.value().wdHandle;
    switch (operation) {
    case K_WATCHDOG_ALLOCATE:
        return allocate(actor, at);
    case K_WATCHDOG_TAKE_OVER: {
        const Result<u64> taken = take_over_watchdog(actor, handle);
        return tell(at, {taken.value(), {}}, taken.status());
    }
    case K_WATCHDOG_FREE:
        return static_cast<long>(free_watchdog(actor, handle));
    case K_WATCHDOG_ARM:
        return static_cast<long>(arm_watchdog(actor, handle));
    case K_WATCHDOG_DISARM:
        return static_cast<long>(disarm_watchdog(actor, handle));
    case K_WATCHDOG_PAT:
        return static_cast<long>(pat_watchdog(actor, handle));
    case K_WATCHDOG_ARMED:
        return is_armed(actor, handle);
    case K_WATCHDOG_INTERVAL: {
        const Result<u64> interval = watchdog_interval(actor, handle);
        return tell(at, {handle, time_value(interval.value())}, interval.status());
    }
    case K_WATCHDOG_LIMITS:
        return tell(at, {shortest_watchdog, time_value(longest_watchdog)},
                    watchdog_interval(actor, handle).status());
    case K_WATCHDOG_SET_INTERVAL:
        return set_interval(actor, given.value());
    case K_WATCHDOG_STARTED:
        end_of_startup();
        return K_OK;
    case K_WATCHDOG_SHUTDOWN:
        return static_cast<long>(watch_shutdown());
    default:
        return K_EINVAL;
    }
}

} // namespace chorale::calls
