/* Monitors: a recursive lock and a condition. ChorusOS 5.0 monitorInit(2K). */
#pragma once

#include <sync/chSync.h>

typedef struct KnMonitor {
    KnSyncWord mnLock;
    KnSyncWord mnCondition; /* never a unit: who waits here is notified or not */
    int mnOwner;            /* syncSelf of the owner; 0: none */
    unsigned int mnDepth;   /* how often the owner has it */
    unsigned int mnWaiting; /* threads in monitorWait; the lock guards it */
} KnMonitor;

#define K_KNMONITOR_INITIALIZER { { 1 }, { 0 }, 0, 0, 0 }

#ifdef __cplusplus
extern "C" {
#endif

/* monitorInit(2K): unlocked. Never fails. */
KnError monitorInit(KnMonitor* monitor);

/* monitorGet(2K): lock, once more when the caller has it already, or wait as mutexGet does. Errors:
 * K_EFAULT. */
KnError monitorGet(KnMonitor* monitor);

/* monitorRel(2K): give up what one monitorGet has got. Errors: K_EINVAL (the caller does not have it). */
KnError monitorRel(KnMonitor* monitor);

/* monitorWait(2K): give the monitor up altogether and wait, at most *waitLimit, for a notification; then
 * lock it again as often as before, however long that takes. Abortable, but for the locking. Errors:
 * K_ETIMEOUT, K_EABORT (the caller has the monitor then), K_EINVAL (the caller does not have it, not a
 * time), K_EFAULT. */
KnError monitorWait(KnMonitor* monitor, const KnTimeVal* waitLimit);

/* monitorNotify(2K), monitorNotifyAll(2K): end the wait of who has waited longest, or of all. Errors:
 * K_EINVAL (the caller does not have the monitor). */
KnError monitorNotify(KnMonitor* monitor);
KnError monitorNotifyAll(KnMonitor* monitor);

#ifdef __cplusplus
}
#endif
