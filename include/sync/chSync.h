/* What the synchronisation objects are made of, and the nucleus calls behind them. Programs use the calls
 * of the objects: chMutex.h, chRtMutex.h, chSem.h, chEvent.h, chMonitor.h; thread semaphores:
 * exec/chThreadSem.h.
 *
 * All objects lie in user memory; nothing is to be deleted. In memory that several actors share, all of
 * them may use an object, at whatever addresses; it must have been initialised by its Init call then. An
 * object is not moved or copied while it is used. Freeing its memory ends the waits for it with K_EFAULT.
 * As long as nobody has to wait, mutexes, semaphores and posted events do not enter the nucleus. */
#pragma once

#include <chorus/types.h>

/* Units at hand; the highest bit: only the nucleus changes it, as somebody waits. */
typedef struct KnSyncWord {
    unsigned int value;
} KnSyncWord;

#ifdef __cplusplus
extern "C" {
#endif

/* syncSelf (extension): a positive number that no other living thread of the site has. */
int syncSelf(void);

/* syncTake (extension): take a unit, or wait for one at most *waitLimit, first come, first served.
 * `release` (may be null): a word that is given a unit, at most one, once the caller waits. Errors:
 * K_ETIMEOUT, K_EABORT, K_EINVAL (not a time, a word not aligned), K_EFAULT (not writable, or its memory
 * was freed meanwhile). */
int syncTake(KnSyncWord* word, const KnTimeVal* waitLimit, const KnSyncWord* release);

/* syncGive (extension): wake the one who has waited longest, and return 1; else put a unit back, unless
 * there are `most`, and return 0. Errors: K_EINVAL (alignment), K_EFAULT. */
int syncGive(KnSyncWord* word, unsigned int most);

#ifdef __cplusplus
}
#endif
