/* Watchdog timers. ChorusOS 5.0 wdt_alloc(2K), wdt_arm(2K), wdt_get_interval(2K), wdt_startup_commit(2K),
 * wdt_shutdown(2K).
 *
 * There are four, each with two stages in software: when nobody pats an armed one for its interval, a
 * line on the console says so; after another interval the machine restarts. Patting in between ends it. A
 * watchdog stays armed when its owner dies. Because any of them can restart the machine they are for
 * SYSTEM actors and supervisor threads.
 *
 * All calls return 0, or -1 with errno: EPERM (the caller has no right to watchdogs, or is not the owner
 * of this one), EINVAL (no such handle, not an interval, armed before an interval was set), EFAULT,
 * EAGAIN (all are allocated), EBUSY (wdt_shutdown: one is still armed). */
#pragma once

#include <stdint.h>

#if __has_include(<errno.h>)
#include <errno.h>
#endif
#if __has_include(<time.h>)
#include <time.h>
#else
struct timespec {
    long tv_sec;
    long tv_nsec;
};
#endif
typedef struct timespec timespec_t;

typedef uint64_t wdt_handle_t; /* 0 is no handle */

#ifdef __cplusplus
extern "C" {
#endif

/* A disarmed watchdog without an interval; on failure *handle is 0. */
int wdt_alloc(wdt_handle_t* handle);

/* Takes over the watchdog of that handle, whoever owned it; *handle is a new one, or 0 on failure. The
 * state stays; an armed one is patted. */
int wdt_realloc(wdt_handle_t* handle);

/* Disarms and releases it. */
int wdt_free(wdt_handle_t handle);

/* Begins an interval of the length that was set last. */
int wdt_arm(wdt_handle_t handle);
int wdt_disarm(wdt_handle_t handle);
/* An armed one begins a new interval; nothing else happens to a disarmed one. */
int wdt_pat(wdt_handle_t handle);
/* 1 or 0. */
int wdt_is_armed(wdt_handle_t handle);

/* Zero if none was set. */
int wdt_get_interval(wdt_handle_t handle, timespec_t* interval);
/* From the next wdt_arm() or wdt_pat() on. Shorter than the shortest: that; longer: EINVAL. */
int wdt_set_interval(wdt_handle_t handle, const timespec_t* interval);
int wdt_get_maxinterval(wdt_handle_t handle, timespec_t* interval);
int wdt_get_mininterval(wdt_handle_t handle, timespec_t* interval);

/* The system has come up: its own watchdog, armed at boot by wdt.startup=SECONDS, is disarmed. */
int wdt_startup_commit(void);

/* The system goes down: if it is not down after wdt.shutdown=SECONDS (60 unless set), the machine
 * restarts. EINVAL: that is no interval. */
int wdt_shutdown(void);

#ifdef __cplusplus
}
#endif
