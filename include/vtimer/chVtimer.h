/* CPU time. ChorusOS 5.0 threadTimes(2K), svThreadVirtualTimeoutSet(2K), svActorVirtualTimeoutSet(2K). */
#pragma once

#include <chorus/types.h>
#include <lap/chLap.h>

#define K_ALLACTORTHREADS (-2) /* every thread of the actor, those that have ended included */

/* Virtual timeouts: which CPU time counts. Home actors pay: a thread's time is its own actor's, wherever it
 * runs. */
#define K_VTIME_INTERNAL 0 /* that in its own actor's code */
#define K_VTIME_TOTAL 1    /* that in other actors' code too */

/* Opaque; known by its address, and in use until its handler begins or it is cancelled. */
struct KnVirtTimeout;
typedef void (*KnVirtToHdl)(struct KnVirtTimeout* vtimeout);
typedef struct KnVirtTimeout {
    KnVirtToHdl vtHandler;
    uint64_t vtReserved[3];
} KnVirtTimeout;

#ifdef __cplusplus
extern "C" {
#endif

/* threadTimes(2K): the CPU time that a thread has used, nucleus calls included: *internal while its own
 * actor's code ran, *external in other actors' (cross-actor invocations); either may be null.
 * K_ALLACTORTHREADS: the sum over the actor's threads; one that ends meanwhile may be left out. The first
 * call about a thread makes its time exact from then on; what was counted before is exact to the next
 * interrupt or wait, and has calls between threads of one CPU on the account of the caller. May wait for
 * other CPUs. Errors: K_EINVAL (capability, thread), K_EUNKNOWN, K_EFAULT. */
int threadTimes(const KnCap* actorcap, KnThreadLid threadli, KnTimeVal* internal, KnTimeVal* external);

/* virtualTimeGetRes(2K): the smallest difference of CPU times. Errors: K_EFAULT. */
int virtualTimeGetRes(KnTimeVal* resolution);

/* svThreadVirtualTimeoutSet(2K): when the thread has used *cputime more, once, invoke the LAP on it, with
 * vtimeout as its first argument: before it goes on in its own actor's code. The handler is an ordinary
 * function on that thread: it may wait and make any call. A timeout that the thread has set already is set
 * anew; one whose LAP has gone is forgotten. The thread's time is exact from then on (threadTimes). May wait
 * for other CPUs. For threads in supervisor mode. Errors: K_EINVAL (capability, thread, not a time, flag,
 * LAP; vtimeout is null), K_EUNKNOWN, K_EFAULT, K_EPRIV, K_ENOMEM, K_EFULL (64 of the thread). */
int svThreadVirtualTimeoutSet(const KnCap* actorcap, KnThreadLid threadli, KnVirtTimeout* vtimeout,
                              const KnTimeVal* cputime, int flag, const KnLapDesc* lapdesc);
/* svThreadVirtualTimeoutCancel(2K). Errors: K_EINVAL (capability, thread; not set, or the handler has
 * begun), K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int svThreadVirtualTimeoutCancel(const KnCap* actorcap, KnThreadLid threadli, KnVirtTimeout* vtimeout);

/* svActorVirtualTimeoutSet(2K): the same for all threads of the actor together; the handler is invoked on the
 * one that has used the last of it. Errors: as above (64 of the actor). */
int svActorVirtualTimeoutSet(const KnCap* actorcap, KnVirtTimeout* vtimeout, const KnTimeVal* cputime,
                             int flag, const KnLapDesc* lapdesc);
/* svActorVirtualTimeoutCancel(2K). Errors: as above. */
int svActorVirtualTimeoutCancel(const KnCap* actorcap, KnVirtTimeout* vtimeout);

/* svVirtualTimeoutSet, svVirtualTimeoutCancel (4.0): with a function instead of a LAP; threadli may be
 * K_ALLACTORTHREADS. Library functions. Errors: as above. */
int svVirtualTimeoutSet(const KnCap* actorcap, KnThreadLid threadli, KnVirtTimeout* vtimeout,
                        KnVirtToHdl handler, const KnTimeVal* cputime, int flag);
int svVirtualTimeoutCancel(const KnCap* actorcap, KnThreadLid threadli, KnVirtTimeout* vtimeout);

#ifdef __cplusplus
}
#endif
