// <cx/wdt.h> over the one nucleus call.
#include <chorus.h>
#include <cx/wdt.h>

// errno's place: a C library that knows threads has a better one; with CHORUS_EXTENDED there is always one.
#ifdef CHORUS_EXTENDED
extern "C" int* __errno_location();
#else
extern "C" [[gnu::weak]] int* __errno_location();
#endif

namespace {

constexpr int e_perm = 1, e_again = 11, e_fault = 14, e_busy = 16, e_inval = 22; // as Linux has them

[[maybe_unused]] int error_number;

int errno_of(int error) {
    switch (error) {
    case K_EPRIV:
        return e_perm;
    case K_EFULL:
        return e_again;
    case K_EFAULT:
        return e_fault;
    case K_EBUSY:
        return e_busy;
    default:
        return e_inval;
    }
}

int result_of(int result) {
    if (result >= 0) {
        return result;
    }
    *__errno_location() = errno_of(result);
    return -1;
}

int operate(unsigned int operation, wdt_handle_t handle = 0) {
    KnWatchdog watchdog{handle, {}};
    return result_of(sysWatchdog(operation, &watchdog));
}

int ask(unsigned int operation, wdt_handle_t handle, KnWatchdog& watchdog, timespec_t* interval) {
    if (interval == nullptr) {
        return result_of(K_EFAULT);
    }
    watchdog.wdHandle = handle;
    const int result = result_of(sysWatchdog(operation, &watchdog));
    *interval =
        result == 0 ? timespec_t{watchdog.wdInterval.tmSec, watchdog.wdInterval.tmNSec} : timespec_t{};
    return result;
}

int new_handle(unsigned int operation, wdt_handle_t* handle) {
    if (handle == nullptr) {
        return result_of(K_EFAULT);
    }
    KnWatchdog watchdog{*handle, {}};
    const int result = result_of(sysWatchdog(operation, &watchdog));
    *handle = result == 0 ? watchdog.wdHandle : 0;
    return result;
}

} // namespace

extern "C" {

#ifndef CHORUS_EXTENDED
int* __errno_location() { return &error_number; }
#endif

int wdt_alloc(wdt_handle_t* handle) { return new_handle(K_WATCHDOG_ALLOCATE, handle); }
int wdt_realloc(wdt_handle_t* handle) { return new_handle(K_WATCHDOG_TAKE_OVER, handle); }
int wdt_free(wdt_handle_t handle) { return operate(K_WATCHDOG_FREE, handle); }
int wdt_arm(wdt_handle_t handle) { return operate(K_WATCHDOG_ARM, handle); }
int wdt_disarm(wdt_handle_t handle) { return operate(K_WATCHDOG_DISARM, handle); }
int wdt_pat(wdt_handle_t handle) { return operate(K_WATCHDOG_PAT, handle); }
int wdt_is_armed(wdt_handle_t handle) { return operate(K_WATCHDOG_ARMED, handle); }
int wdt_startup_commit() { return operate(K_WATCHDOG_STARTED); }
int wdt_shutdown() { return operate(K_WATCHDOG_SHUTDOWN); }

int wdt_get_interval(wdt_handle_t handle, timespec_t* interval) {
    KnWatchdog watchdog{};
    return ask(K_WATCHDOG_INTERVAL, handle, watchdog, interval);
}

int wdt_get_maxinterval(wdt_handle_t handle, timespec_t* interval) {
    KnWatchdog watchdog{};
    return ask(K_WATCHDOG_LIMITS, handle, watchdog, interval);
}

int wdt_get_mininterval(wdt_handle_t handle, timespec_t* interval) {
    KnWatchdog watchdog{};
    const int result = ask(K_WATCHDOG_LIMITS, handle, watchdog, interval);
    if (result == 0) {
        constexpr uint64_t giga = 1'000'000'000;
        *interval = {static_cast<long>(watchdog.wdHandle / giga),
                     static_cast<long>(watchdog.wdHandle % giga)};
    }
    return result;
}

int wdt_set_interval(wdt_handle_t handle, const timespec_t* interval) {
    if (interval == nullptr) {
        return result_of(K_EFAULT);
    }
    KnWatchdog watchdog{handle, {interval->tv_sec, interval->tv_nsec}};
    return result_of(sysWatchdog(K_WATCHDOG_SET_INTERVAL, &watchdog));
}
}
