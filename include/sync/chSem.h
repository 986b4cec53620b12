/* Counting semaphores. ChorusOS 5.0 semInit(2K). */
#pragma once

#include <sync/chSync.h>

typedef struct KnSem {
    KnSyncWord smWord;
} KnSem;

#define K_SEMCOUNTMAX 0x7fffffffu

/* For a semaphore that one actor uses: KnSem s = K_KNSEM_INITIALIZER(3); */
#define K_KNSEM_INITIALIZER(count) { { (count) } }

#ifdef __cplusplus
extern "C" {
#endif

/* semInit(2K): the counter becomes count. Errors: K_EINVAL (above K_SEMCOUNTMAX). */
int semInit(KnSem* sem, unsigned int count);

/* semP(2K): count down, or wait at most *waitLimit (<chorus/types.h>), first come, first served;
 * abortable. A wait that ends otherwise than by semV has not counted. An abort that came before counts
 * only when the call has to wait. Errors: K_ETIMEOUT (K_NOBLOCK: at once), K_EABORT, K_EINVAL (not a
 * time), K_EFAULT. */
int semP(KnSem* sem, const KnTimeVal* waitLimit);

/* semV(2K): wake the one who has waited longest, or count up, to K_SEMCOUNTMAX at most. Does not wait.
 * Errors: K_EFAULT. */
int semV(KnSem* sem);

#ifdef __cplusplus
}
#endif
