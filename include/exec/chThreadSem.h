/* Thread semaphores: binary, and one thread's own. ChorusOS 5.0 threadSemInit(2K). Part of
 * <exec/chExec.h>. */
#pragma once

#include <sync/chSync.h>

typedef struct KnThSem {
    KnSyncWord tsWord; /* one unit: POSTED */
    int tsOwner;       /* syncSelf of who initialised it */
} KnThSem;

#ifdef __cplusplus
extern "C" {
#endif

/* threadSemInit(2K): UNPOSTED; only the caller may wait for it. Never fails. */
int threadSemInit(KnThSem* sem);

/* threadSemWait(2K): when POSTED, UNPOSTED at once; else wait at most *waitLimit. Abortable. Errors:
 * K_ETIMEOUT (K_NOBLOCK: at once), K_EABORT, K_EINVAL (not the caller's, not a time), K_EFAULT. */
int threadSemWait(KnThSem* sem, const KnTimeVal* waitLimit);

/* threadSemPost(2K): end the owner's wait and leave the state as it is; when it does not wait, POSTED.
 * Does not wait. Errors: K_EFAULT. */
int threadSemPost(KnThSem* sem);

#ifdef __cplusplus
}
#endif
