/* Private data: values that each thread of an actor, or each actor of a site, has of its own under a common
 * key. ChorusOS 5.0 ptdKeyCreate(2K), padKeyCreate(2K) and the pages that they name.
 *
 * These calls return 0 or a positive error of the values of <errno.h>: EINVAL (22) no such key, actor or
 * thread; ENOMEM (12); EAGAIN (11) no key is free; EPERM (1) reserved to others; EFAULT (14). */
#pragma once

#include <chorus/types.h>
#include <lap/chLap.h>

typedef uint64_t PdKey; /* opaque; 0 is no key */
typedef void (*KnPdHdl)(void* value);

#define PD_DESTRUCTOR_ITERATIONS 4 /* rounds in which a thread's destructors are called */
#define PD_KEYS_MAX 64             /* keys of an actor's threads */
#define PD_SITE_KEYS_MAX 16        /* keys of a site's actors */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- per thread --------------------------------------------------------------------------------------- */

/* ptdKeyCreate(2K): a key for all threads of the actor; its value is null in every one. destructor (or null)
 * is called by ptdThreadDelete() with values that are not null. Errors: EAGAIN, EINVAL (null pkey). */
int ptdKeyCreate(PdKey* pkey, KnPdHdl destructor);

/* ptdKeyDelete(2K): without calling destructors. Errors: EINVAL. */
int ptdKeyDelete(PdKey key);

/* ptdSet(2K), ptdGet(2K): the calling thread's value. ptdGet takes no lock and returns null for a key that
 * there is not. Errors of ptdSet: EINVAL, ENOMEM. */
int ptdSet(PdKey key, const void* value);
void* ptdGet(PdKey key);

/* ptdRemoteGet(2K), ptdRemoteSet(2K): the value of another thread of the own actor (any other: EPERM). That
 * thread must not end meanwhile. Errors: EINVAL, ENOMEM, EPERM, EFAULT. */
int ptdRemoteGet(const KnCap* actorcap, KnThreadLid threadli, PdKey key, void** pvalue);
int ptdRemoteSet(const KnCap* actorcap, KnThreadLid threadli, PdKey key, const void* value);

/* ptdThreadDelete(2K): call the destructors of the calling thread's values, in no particular order, until all
 * are null, at most PD_DESTRUCTOR_ITERATIONS rounds. To be called before threadDelete. */
void ptdThreadDelete(void);

/* ptdThreadId(2K): the calling thread's local id. */
KnThreadLid ptdThreadId(void);

/* ptdErrnoAddr(2K): where the calling thread's errno is. Without memory for one: a place that all share. */
int* ptdErrnoAddr(void);

/* ---- per actor: SYSTEM and supervisor actors only (others: EPERM) -------------------------------------- */

/* padKeyCreate(2K): a key for all actors of the site; its value is null in every one. It goes with the actor
 * that created it. destructor (or null; supervisor actors only): called with an actor's value, once, when
 * that actor has ended and none of its threads is left, if the value is not null. It runs in the actor that
 * created the key, through a LAP, on the thread that deletes the other one; what it does wrong ends it, no
 * more. It does not delete actors (K_EBUSY). Errors: EAGAIN, EPERM, EFAULT, ENOMEM. */
int padKeyCreate(PdKey* pkey, KnPdHdl destructor);

/* padKeyDelete(2K): without calling destructors. Errors: EINVAL, EPERM. */
int padKeyDelete(PdKey key);

/* padSet(2K), padGet(2K): the value of any actor of the site. padGet returns null for a key or an actor that
 * there is not. Errors of padSet: EINVAL, EPERM, EFAULT. */
int padSet(const KnCap* actorcap, PdKey key, const void* value);
void* padGet(const KnCap* actorcap, PdKey key);

/* siteKeyCreate (extension), below padKeyCreate: with a LAP (or null) for the destructor; its argument is the
 * value. Errors: K_EFULL (all keys are taken), K_EFAULT, K_EPRIV. */
int siteKeyCreate(PdKey* pkey, const KnLapDesc* destructor);

/* siteKeyDelete (extension), below padKeyDelete: destructors are not called. Errors: K_EINVAL (no such key),
 * K_EPRIV. */
int siteKeyDelete(PdKey key);

/* siteDataSet (extension), below padSet: the actor's value under the key, a number. Errors: K_EINVAL (no such
 * key, capability), K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int siteDataSet(const KnCap* actorcap, PdKey key, uint64_t value);

/* siteDataGet (extension), below padGet: *value = what siteDataSet set last for that actor, or 0. Errors:
 * K_EINVAL (no such key, capability), K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int siteDataGet(const KnCap* actorcap, PdKey key, uint64_t* value);

#ifdef __cplusplus
}
#endif
