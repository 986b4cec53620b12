/* Timers whose expirations are handled by threads. ChorusOS 5.0 timerCreate(2K) and the pages that it
 * names.
 *
 * A timer belongs to an actor and goes with it. It tells of its expirations through a pool of threads,
 * which wait in timerThreadPoolWait(). Only one thread at a time is active on behalf of a timer, from its
 * return until it waits again (or ends). Every expiration is either one return of timerThreadPoolWait()
 * or counted in the overrun of one: none is lost and none comes twice. */
#pragma once

#include <chorus/types.h>

enum { K_CLOCK_REALTIME = 1 }; /* the clock of sysTime() */
enum { K_TIMER_ABSOLUTE = 1 }; /* ITmValue is a system time, not a distance */

/* Opaque. Where it is is what it is: do not copy it. Written by timerThreadPoolInit(); whoever changes it
 * gets K_EINVAL. */
typedef struct KnThreadPool {
    uint64_t tpKey;
    uint32_t tpIndex;
    uint32_t tpReserved;
} KnThreadPool;

typedef struct KnITimer {
    KnTimeVal ITmReload; /* the period; zero: it expires once */
    KnTimeVal ITmValue;  /* the first expiration; zero: not at all */
} KnITimer;

#ifdef __cplusplus
extern "C" {
#endif

/* timerThreadPoolInit(2K): make the object a pool of the caller's actor, which lasts as long as the
 * actor. An object at the same address that is one already stays the pool that it was. Only threads of
 * the actor wait on it. Errors: K_EFAULT, K_ENOMEM, K_EFULL (64 pools in the actor). */
int timerThreadPoolInit(KnThreadPool* threadPool);

/* timerThreadPoolWait(2K): wait at most *waitLimit (<chorus/types.h>) until a timer of the pool expires.
 * *cookie (unless null) = what timerCreate() was given; *overrun (unless null) = how many more times the
 * timer has expired since the expiration before this one was handled. Threads are served in the order in
 * which they came. An expiration that finds none waits for one; one that comes while the timer's thread
 * is active waits until it is back. Errors: K_EINVAL (not a pool of the caller's actor, not a time),
 * K_EFAULT, K_ETIMEOUT, K_EABORT. */
int timerThreadPoolWait(KnThreadPool* threadPool, void** cookie, int* overrun, const KnTimeVal* waitLimit);

/* timerCreate(2K): a timer of that actor, disarmed; *timerLi = its local id. clock: K_CLOCK_REALTIME. The
 * pool is one of the caller's actor. Errors: K_EINVAL (clock, pool), K_EUNKNOWN, K_EFAULT, K_ENOMEM,
 * K_EFULL (2048 timers in the actor). */
int timerCreate(const KnCap* actorcap, int clock, KnThreadPool* threadPool, void* cookie, int* timerLi);

/* timerSet(2K): *oldit (unless null) = the time left until the next expiration, always a distance, zero
 * when disarmed, and the period; then, unless null, *newit takes the place of the setting, and
 * expirations that were told nobody yet are forgotten. flags: 0 or K_TIMER_ABSOLUTE. A time that has
 * passed already expires at once, with an overrun for each period that has passed. Errors: K_EINVAL (no
 * such timer, not a time, flags), K_EUNKNOWN, K_EFAULT. */
int timerSet(const KnCap* actorcap, int timerLi, int flags, const KnITimer* newit, KnITimer* oldit);

/* timerDelete(2K): disarm and delete it. Its thread, if one is active, goes on; threads that wait go on
 * waiting. Errors: K_EINVAL (no such timer), K_EUNKNOWN, K_EFAULT. */
int timerDelete(const KnCap* actorcap, int timerLi);

/* timerGetRes(2K): the smallest difference that timers can make. Errors: K_EINVAL (clock), K_EFAULT. */
int timerGetRes(int clock, KnTimeVal* resolution);

#ifdef __cplusplus
}
#endif
