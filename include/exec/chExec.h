/* Actors and threads. ChorusOS 5.0 actorCreate(2K), threadCreate(2K) and the pages that they name.
 *
 * An actor capability argument: K_MYACTOR (null) is the caller's own actor. Bad capabilities: K_EINVAL
 * when the key does not fit or the UI is not an actor's, K_EUNKNOWN when there is no such actor (any
 * more). */
#pragma once

#include <chorus/types.h>
#include <sched/chFifo.h>
#include <sched/chSched.h>

#define K_ACTORNAMEMAX 32 /* bytes of an actor's name, with its NUL */

typedef unsigned int KnActorPrivilege;
enum { K_USERACTOR = 0, K_SUPACTOR = 1, K_SYSTEMACTOR = 2 };

typedef unsigned int KnActorStatus;
typedef unsigned int KnThreadStatus;
enum {
    K_ACTIVE = 0,   /* actors and threads: runs as soon as it can */
    K_INACTIVE = 1, /* threads: waits for threadActivate */
    K_STOPPED = 2   /* actors: no thread of it runs; not offered yet: K_EINVAL */
};

/* How a new thread starts (machine independent form). */
enum { K_DEFAULT_START_INFO = 1 };
enum { K_USERTHREAD = 0, K_SUPTHREAD = 1 };
#define K_DEFAULT_STACK_SIZE 0

typedef struct KnDefaultStartInfo_f {
    unsigned int dsType;       /* K_DEFAULT_START_INFO */
    unsigned int dsPrivilege;  /* K_USERTHREAD; K_SUPTHREAD only in supervisor actors */
    VmSize dsSystemStackSize;  /* supervisor threads: bytes, at most 1 MiB, or K_DEFAULT_STACK_SIZE */
    VmAddr dsUserStackPointer; /* user threads: top of a stack that the creator provides */
    KnPc dsEntry;              /* first instruction; it must not return */
} KnDefaultStartInfo_f;

#ifdef __cplusplus
extern "C" {
#endif

/* ---- actors ------------------------------------------------------------------------------------------ */

/* actorCreate(2K): a new empty actor; its capability goes to *actorcap. It has a default port and
 * inherits the protection identifier of *actorinit (K_MYACTOR: the caller's). privilege K_SYSTEMACTOR
 * needs a SYSTEM caller or one in supervisor mode, K_SUPACTOR one in supervisor mode. status: K_ACTIVE.
 * Errors: K_EINVAL, K_EUNKNOWN, K_EFAULT, K_EPRIV, K_ENOMEM, K_EFULL. */
int actorCreate(const KnCap* actorinit, KnCap* actorcap, KnActorPrivilege privilege, KnActorStatus status);

/* actorDelete(2K): delete the actor, its threads, ports, regions. Callers who wait for its replies get
 * K_ECRASH. On return to another actor the name is gone and no thread of it runs; deleting the own actor
 * does not return. Errors: K_EINVAL, K_EUNKNOWN, K_EFAULT, K_EPRIV (a user actor deletes a SYSTEM one),
 * K_EBUSY (being deleted). */
int actorDelete(const KnCap* actorcap);

/* actorSelf(2K): the caller's capability. Errors: K_EFAULT. */
int actorSelf(KnCap* actorcap);

/* actorName(2K): copy the name to oldname (K_ACTORNAMEMAX bytes) unless null, then set newname unless
 * null, cut to K_ACTORNAMEMAX with its NUL. Errors: K_EINVAL, K_EUNKNOWN, K_EFAULT. */
int actorName(const KnCap* actorcap, char* oldname, const char* newname);

/* ---- threads ----------------------------------------------------------------------------------------- */

/* threadCreate(2K): a new thread of the actor; *threadli = its local id, from 1. schedparam: a
 * KnFifoThParms, or null for the creator's attributes. startinfo: a KnDefaultStartInfo_f; in a supervisor
 * actor K_SUPTHREAD, by a caller in supervisor mode (else K_EPRIV), on a stack of dsSystemStackSize bytes
 * that the nucleus provides. At its first instruction every register but the stack pointer is 0. Errors:
 * K_EINVAL (capability, status, parameters, entry or stack outside the space), K_EUNKNOWN, K_EFAULT,
 * K_EPRIV, K_ENOMEM, K_EFULL. */
int threadCreate(const KnCap* actorcap, KnThreadLid* threadli, KnThreadStatus status, const void* schedparam,
                 const void* startinfo);

/* threadDelete(2K): K_MYACTOR with K_MYSELF is suicide and does not return. The client of a request that
 * the thread served gets K_ECRASH. On return the thread does not run any more. Errors: K_EINVAL
 * (capability, thread), K_EUNKNOWN, K_EFAULT, K_EPRIV, K_EBUSY (being deleted). */
int threadDelete(const KnCap* actorcap, KnThreadLid threadli);

/* threadActivate(2K): let a thread created K_INACTIVE run. Errors: K_EINVAL (capability, thread, or
 * already active), K_EUNKNOWN, K_EFAULT. */
int threadActivate(const KnCap* actorcap, KnThreadLid threadli);

/* threadSelf(2K): the local id of the caller, positive. Never fails. */
int threadSelf(void);

/* threadDelay(2K): wait for *waitLimit (<chorus/types.h>). K_NOBLOCK or a zero time: to the tail of the own
 * priority's queue, returns K_OK. K_NOTIMEOUT: until aborted. Errors: K_ETIMEOUT (the time has passed:
 * the normal end), K_EABORT, K_EINVAL (not a time), K_EFAULT. */
int threadDelay(const KnTimeVal* waitLimit);

/* threadAbort(2K): end the abortable wait of the thread (it returns K_EABORT), or, when it is in none,
 * mark it aborted: its next abortable wait returns K_EABORT at once. Errors: K_EINVAL, K_EUNKNOWN,
 * K_EFAULT. */
int threadAbort(const KnCap* actorcap, KnThreadLid threadli);

/* threadAborted(2K): 1 and clear the mark when the caller is marked aborted, else 0. */
int threadAborted(void);

/* nullCall (extension): does nothing, returns K_OK; the cost of the way into the nucleus and back. */
int nullCall(void);

#ifdef __cplusplus
}
#endif
