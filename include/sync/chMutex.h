/* Mutexes: a lock without owner and without priority inheritance (chRtMutex.h has both). ChorusOS 5.0
 * mutexInit(2K). */
#pragma once

#include <sync/chSync.h>

typedef struct KnMutex {
    KnSyncWord mtWord; /* one unit: free */
} KnMutex;

/* For a mutex that one actor uses: KnMutex m = K_KNMUTEX_INITIALIZER; */
#define K_KNMUTEX_INITIALIZER { { 1 } }

#ifdef __cplusplus
extern "C" {
#endif

/* mutexInit(2K): free. Never fails. */
int mutexInit(KnMutex* mutex);

/* mutexGet(2K): lock, or wait, first come, first served, without time limit and whatever threadAbort
 * says. Not recursive: who has it already waits for ever. Errors: K_EFAULT (its memory is freed
 * meanwhile). */
int mutexGet(KnMutex* mutex);

/* mutexRel(2K): unlock; the one who has waited longest has it then. Nobody asks who locked it; releasing
 * a free one does nothing. Never fails. */
int mutexRel(KnMutex* mutex);

/* mutexTry(2K): 1: locked; 0: it was not free. Does not wait. */
int mutexTry(KnMutex* mutex);

#ifdef __cplusplus
}
#endif
