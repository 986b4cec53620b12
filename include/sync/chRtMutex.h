/* Real-time mutexes: priority inheritance. ChorusOS 5.0 rtMutexInit(2K).
 *
 * The owner runs with the best priority of those who wait for any of its real-time mutexes, and so does
 * whom it waits for itself: the owner of another one, or the server of its ipcCall. The best waiter is
 * next; among equals, the one who has waited longest. When an owner is deleted, the best waiter gets the
 * mutex as if it had been released. */
#pragma once

#include <sync/chSync.h>

typedef struct KnRtMutex {
    unsigned int rtOwner; /* number of the owner's; 0: free */
    unsigned int rtReserved;
    uint64_t rtPlace; /* where the owner has the mutex */
} __attribute__((aligned(16))) KnRtMutex;

#define K_KNRTMUTEX_INITIALIZER { 0, 0, 0 }

#ifdef __cplusplus
extern "C" {
#endif

/* rtMutexInit(2K): free. Never fails. */
int rtMutexInit(KnRtMutex* mutex);

/* rtMutexGet(2K): lock, or wait without time limit and whatever threadAbort says. Errors: K_EBUSY (the
 * caller has it already), K_EINVAL (alignment), K_EFAULT (not writable, or freed meanwhile). */
int rtMutexGet(KnRtMutex* mutex);

/* rtMutexRel(2K): unlock; the caller's priority becomes what it is without those who wait here. Errors:
 * K_EINVAL (alignment, or the caller does not have it), K_EFAULT. */
int rtMutexRel(KnRtMutex* mutex);

/* rtMutexTry(2K): 1: locked; 0: it was not free. Does not wait. Errors: K_EINVAL, K_EFAULT. */
int rtMutexTry(KnRtMutex* mutex);

#ifdef __cplusplus
}
#endif
