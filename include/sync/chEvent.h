/* Event sets: flags that threads wait for. ChorusOS 5.0 eventInit(2K). */
#pragma once

#include <chorus/types.h>

typedef struct KnEventSet {
    unsigned int evFlags;
    unsigned int evWaiters; /* somebody waits: posting enters the nucleus */
} __attribute__((aligned(8))) KnEventSet;

#define K_KNEVENTSET_INITIALIZER { 0, 0 }

/* eventWait: until all flags of the mask are posted, or any. */
enum { K_EVENT_AND = 0, K_EVENT_OR = 1 };

#ifdef __cplusplus
extern "C" {
#endif

/* eventInit(2K): no flag is posted. Never fails. */
int eventInit(KnEventSet* eventSet);

/* eventPost(2K): post the flags of the mask, which stay posted, and wake all whose wait that ends. Does
 * not wait. Errors: K_EFAULT. */
int eventPost(KnEventSet* eventSet, unsigned int mask);

/* eventClear(2K): the flags of the mask are not posted any more. Never fails. */
int eventClear(KnEventSet* eventSet, unsigned int mask);

/* eventWait(2K): wait, at most *waitLimit (<chorus/types.h>), for the flags of the mask; `operation`:
 * K_EVENT_AND, K_EVENT_OR. *posted, unless null: all flags that were posted when the wait ended. No flag
 * is consumed. Abortable. Errors: K_ETIMEOUT (K_NOBLOCK: at once), K_EABORT, K_EINVAL (operation, no flag
 * in the mask, not a time), K_EFAULT. */
int eventWait(KnEventSet* eventSet, unsigned int mask, int operation, unsigned int* posted,
              const KnTimeVal* waitLimit);

/* eventAwait, eventNotify (extensions): what is left to the nucleus of eventWait, which returns the
 * flags, and of eventPost. */
long eventAwait(KnEventSet* eventSet, unsigned int mask, int operation, const KnTimeVal* waitLimit);
int eventNotify(KnEventSet* eventSet);

#ifdef __cplusplus
}
#endif
