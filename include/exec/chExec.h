/* Actors and threads. ChorusOS 5.0 actorCreate(2K), threadCreate(2K) and the pages that they name.
 *
 * An actor capability argument: K_MYACTOR (null) is the caller's own actor. Bad capabilities: K_EINVAL
 * when the key does not fit or the UI is not an actor's, K_EUNKNOWN when there is no such actor (any
 * more). */
#pragma once

#include <chorus/machine_context.h>
#include <chorus/types.h>
#include <exec/chThreadSem.h>
#include <ipc/chId.h>
#include <sched/chFifo.h>
#include <sched/chSched.h>

#define K_ACTORNAMEMAX 32  /* bytes of an actor's name, with its NUL */
#define K_THREADNAMEMAX 32 /* bytes of a thread's name, with its NUL */

typedef unsigned int KnActorPrivilege;
enum { K_USERACTOR = 0, K_SUPACTOR = 1, K_SYSTEMACTOR = 2 };

typedef unsigned int KnActorStatus;
typedef unsigned int KnThreadStatus;
enum {
    K_ACTIVE = 0,    /* actors and threads: runs as soon as it can */
    K_INACTIVE = 1,  /* threads: waits for threadActivate */
    K_STOPPED = 2,   /* actors: no thread of it runs until actorStart; threads: by threadStop, actorStop */
    K_SUSPENDED = 3, /* extension, told by threadStat: by threadSuspend */
    K_WAITING = 4    /* extension, told by threadStat: in a call that has not ended */
};

typedef struct KnActorStat {
    KnCap asCap;
    KnActorStatus asStatus; /* K_ACTIVE or K_STOPPED */
} KnActorStat;

typedef struct KnEndNotice { /* svActorEndNotice */
    KnCap enActor;
    uint64_t enCookie;
} KnEndNotice;

typedef struct KnThreadStat {
    KnThreadLid tsThreadLi;
    KnThreadStatus tsStatus; /* the first that fits: K_INACTIVE, _STOPPED, _SUSPENDED, _WAITING, _ACTIVE */
    unsigned int tsPriority; /* its own, not one that it was lent */
    KnCpuId tsCpu;
} KnThreadStat;

/* What threadContext gets and sets. */
enum {
    K_CURRCTX = 0, /* a KnThreadCtx (chorus/machine_context.h) */
    K_SUPPRIV = 1, /* void* [K_NBPRIVDATA]: the software registers of supervisor code */
    K_USERPRIV = 2 /* void* [K_NBPRIVDATA]: the software registers of user code */
};
#define K_NBPRIVDATA 4 /* 0: threadLoadR(2K); 1: <pd/chPd.h>; 2 and 3: free */

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
typedef KnDefaultStartInfo_f KnStartInfo; /* there is no other form here */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- actors ------------------------------------------------------------------------------------------ */

/* actorCreate(2K): a new empty actor; its capability goes to *actorcap. It has a default port and
 * inherits the protection identifier of *actorinit (K_MYACTOR: the caller's). privilege K_SYSTEMACTOR
 * needs a SYSTEM caller or one in supervisor mode, K_SUPACTOR one in supervisor mode. status: K_ACTIVE, or
 * K_STOPPED: its threads do not run until actorStart. Errors: K_EINVAL, K_EUNKNOWN, K_EFAULT, K_EPRIV,
 * K_ENOMEM, K_EFULL. */
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

/* actorPrivilege(2K): *oldpriv = the privilege, unless null; then set *newpriv, unless null: K_USERACTOR
 * to K_SYSTEMACTOR or back, for SYSTEM actors and supervisor threads only. Errors: K_EINVAL (to or from
 * K_SUPACTOR, or no privilege), K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int actorPrivilege(const KnCap* actorcap, KnActorPrivilege* oldpriv, const KnActorPrivilege* newpriv);

/* actorPi(2K): *oldpi = the protection identifier that is stamped on the actor's messages, unless null; then
 * set *newpi, unless null. Its ports keep theirs. SYSTEM and supervisor callers only. Errors: K_EINVAL,
 * K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int actorPi(const KnCap* actorcap, KnProtId* oldpi, const KnProtId* newpi);

/* actorStop(2K): threadStop on every thread of the actor, those created from now on included. On return
 * none of them runs in its program; a caller in the actor returns when it has been started again. Errors:
 * K_EINVAL, K_EUNKNOWN, K_EFAULT, K_EPRIV (a user actor stops one that is not). */
int actorStop(const KnCap* actorcap);

/* actorStart(2K): threadStart on every thread of the actor that is stopped, by whomever. Errors: as
 * actorStop. */
int actorStart(const KnCap* actorcap);

/* actorStat(2K): one KnActorStat for each actor of the site, as many as fit in buffsize bytes. options: 0.
 * Returns the number of actors, which may be more. SYSTEM actors and supervisor threads only. Errors:
 * K_EINVAL (options), K_EFAULT, K_EPRIV. */
int actorStat(unsigned int options, KnActorStat* stat, unsigned int buffsize);

/* svActorEndNotice (extension): when the actor is gone, a message whose body is a KnEndNotice with this
 * cookie comes to the port *portui, whoever has deleted the actor: another one, itself, or a fault. Its
 * threads, memory and ports have been given back by then, and its name is nobody's. The message comes from
 * the nucleus and wants no reply. An actor has one notice; portui null: it has none any more (K_OK also if it
 * had none). The message is made now: it comes unless the port is gone by then, or has a handler
 * (svMsgHandler). For callers in supervisor mode. Errors: K_EINVAL (capability; the port has a handler),
 * K_EUNKNOWN (actor, also one that is being deleted; port), K_EBUSY (the actor has a notice, for a port that
 * lives), K_ENOMEM, K_EFAULT, K_EPRIV. */
int svActorEndNotice(const KnCap* actorcap, const KnUniqueId* portui, uint64_t cookie);

/* ---- threads ----------------------------------------------------------------------------------------- */

/* threadCreate(2K): a new thread of the actor; *threadli = its local id, from 1. schedparam: of any class
 * (KnFifoThParms, ...), or null for the creator's attributes. startinfo: a KnDefaultStartInfo_f; in a
 * supervisor actor K_SUPTHREAD, by a caller in supervisor mode (else K_EPRIV), on a stack of
 * dsSystemStackSize bytes that the nucleus provides. At its first instruction every register but the stack
 * pointer is 0. Errors: K_EINVAL (capability, status, parameters, entry or stack outside the space),
 * K_EUNKNOWN, K_EFAULT, K_EPRIV, K_ENOMEM, K_EFULL. */
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

/* threadStop(2K): the thread does not go on in its program until threadStart; what it does in the nucleus
 * goes on: waits end, messages arrive. K_MYSELF: returns when it has been started again. Errors: K_EINVAL,
 * K_EUNKNOWN, K_EFAULT, K_EPRIV (a thread of an actor with more privilege). */
int threadStop(const KnCap* actorcap, KnThreadLid threadli);

/* threadStart(2K): end what threadStop or actorStop began. Errors: as threadStop; K_EINVAL also when the
 * thread is not stopped. */
int threadStart(const KnCap* actorcap, KnThreadLid threadli);

/* threadSuspend(2K), threadResume(2K): count suspensions up and down; the thread does not go on in its
 * program while there are any. One that waits is suspended when its wait is over. Errors: as threadStop;
 * K_EINVAL also when there is nothing to resume. */
int threadSuspend(const KnCap* actorcap, KnThreadLid threadli);
int threadResume(const KnCap* actorcap, KnThreadLid threadli);

/* threadName(2K): copy the name to oldname (K_THREADNAMEMAX bytes) unless null, then set newname unless
 * null, cut to K_THREADNAMEMAX with its NUL. Errors: K_EINVAL, K_EUNKNOWN, K_EFAULT. */
int threadName(const KnCap* actorcap, KnThreadLid threadli, char* oldname, const char* newname);

/* threadContext(2K): copy registers to *oldcontext unless null, then set them from *newcontext unless
 * null. type says which, and what the pointers point to: K_CURRCTX, K_SUPPRIV, K_USERPRIV. Of a thread in
 * a call, registers that the call may change have no defined value, and machine registers cannot be set.
 * Errors: K_EINVAL (capability, thread, type, or a register that no program of the actor can have),
 * K_EUNKNOWN, K_EFAULT, K_EPRIV (to set: as threadStop; K_SUPPRIV by a user actor; to get: in supervisor
 * mode), K_EBUSY (to set: in a call or in supervisor mode), K_ENOMEM. */
int threadContext(const KnCap* actorcap, KnThreadLid threadli, unsigned int type, void* oldcontext,
                  const void* newcontext);

/* threadStat(2K): one KnThreadStat for each thread of the actor, as many as fit in buffsize bytes.
 * options: 0. Returns the number of threads, which may be more. Errors: K_EINVAL, K_EUNKNOWN, K_EFAULT. */
int threadStat(const KnCap* actorcap, unsigned int options, KnThreadStat* stat, unsigned int buffsize);

/* threadPrivateLoad, threadPrivateStore (extension): the caller's software register `slot` (modulo
 * K_NBPRIVDATA) of its present privilege; the second returns the value that it sets. 0 in a new thread.
 * Never fail. */
long threadPrivateLoad(unsigned int slot);
long threadPrivateStore(unsigned int slot, long value);

/* nullCall (extension): does nothing, returns K_OK; the cost of the way into the nucleus and back. */
int nullCall(void);

#ifdef __cplusplus
}
#endif
