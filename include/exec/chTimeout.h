/* Timeouts: functions of supervisor actors that are called at interrupt level when a time has come.
 * ChorusOS 5.0 svSysTimeoutSet(2K), svTimeoutSet(9DKI).
 *
 * What may be done at interrupt level is said in <dki/f_dki.h>. The resolution is sysTime's; there is no tick
 * that anybody waits for, but intervals are cut to whole multiples of it. */
#pragma once

#include <chorus/types.h>
#include <lap/chLap.h>

/* Opaque; known by its address, and in use until the handler is called or it is cancelled. */
struct KnTimeout;
typedef void (*KnToHdl)(struct KnTimeout* timeout);
typedef struct KnTimeout {
    KnToHdl toHandler;
    uint64_t toReserved[3];
} KnTimeout;

#ifdef __cplusplus
extern "C" {
#endif

/* svSysTimeoutSet(2K): when *waitLimit has passed, once, call the handler of a LAP that was made with
 * K_LAP_SAMEHOST, with timeout as its first argument, on the CPU of the caller. The interval is rounded down
 * to a multiple of the resolution, but to one at the least. flag is 0. A timeout that is set already is set
 * anew. Nothing is called when the LAP has gone by then. For threads in supervisor mode and at interrupt
 * level. Errors: K_EINVAL (not a time, flag, LAP; timeout is null), K_EFAULT, K_ENOMEM, K_EPRIV. */
int svSysTimeoutSet(KnTimeout* timeout, const KnTimeVal* waitLimit, int flag, const KnLapDesc* lapdesc);

/* svSysTimeoutCancel(2K): the handler will not be called. Errors: K_EINVAL (not set, or the handler has been
 * called), K_EBUSY (the handler is running), K_EPRIV. */
int svSysTimeoutCancel(KnTimeout* timeout);

/* svTimeoutGetRes(2K): the resolution. Errors: K_EFAULT. */
int svTimeoutGetRes(KnTimeVal* resolution);

/* svTimeoutSet, svTimeoutCancel (9DKI): the same without a LAP of the caller's: the library has one for the
 * actor, and makes it when a thread sets the first timeout; until then K_EINVAL at interrupt level. Library
 * functions. Errors: as above, and K_EFULL (no room for that LAP). */
KnError svTimeoutSet(KnTimeout* timeout, KnToHdl handler, const KnTimeVal* waitLimit, int flag);
KnError svTimeoutCancel(KnTimeout* timeout);

#ifdef __cplusplus
}
#endif
