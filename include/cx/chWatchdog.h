/* The nucleus call behind <cx/wdt.h>. An extension of this system: programs use wdt_arm() and the like. */
#pragma once

#include <chorus/types.h>

typedef struct KnWatchdog {
    uint64_t wdHandle; /* K_WATCHDOG_LIMITS: the shortest interval, in nanoseconds */
    KnTimeVal wdInterval;
} KnWatchdog;

enum {
    K_WATCHDOG_ALLOCATE,
    K_WATCHDOG_TAKE_OVER,
    K_WATCHDOG_FREE,
    K_WATCHDOG_ARM,
    K_WATCHDOG_DISARM,
    K_WATCHDOG_PAT,
    K_WATCHDOG_ARMED, /* returns 1 or 0 */
    K_WATCHDOG_INTERVAL,
    K_WATCHDOG_LIMITS,
    K_WATCHDOG_SET_INTERVAL,
    K_WATCHDOG_STARTED,
    K_WATCHDOG_SHUTDOWN
};

#ifdef __cplusplus
extern "C" {
#endif

/* watchdog: the handle and the interval that the operation takes or gives. Errors: K_EINVAL (operation,
 * handle, interval), K_EFAULT, K_EPRIV (neither a SYSTEM actor nor a supervisor thread; not the owner),
 * K_EFULL, K_EBUSY. */
int sysWatchdog(unsigned int operation, KnWatchdog* watchdog);

#ifdef __cplusplus
}
#endif
