/* Scheduling classes and CPU binding. ChorusOS 5.0 threadScheduler(2K), threadBind(2K). */
#pragma once

#include <chorus/types.h>

typedef unsigned int KnSchedClass;

#define K_SCHED_FIFO 0 /* <sched/chFifo.h>: KnFifoThParms */
#define K_SCHED_RR 1   /* <sched/chRr.h>: KnRrThParms */
#define K_SCHED_RT 2   /* <sched/chRt.h>: KnRtThParms */

/* The attributes of a thread of any class. The parameters of each class are a beginning of it: who does not
 * know the class of a thread reads into one of these, and looks at the class. */
typedef struct KnThreadDefSched {
    KnSchedClass tdClass;
    unsigned int tdPriority; /* as the class counts */
    KnTimeVal tdQuantum;     /* K_SCHED_RT only; else neither read nor written */
} KnThreadDefSched;

#define K_SAMECPU 0xffffffffU /* threadBind: leave the thread where it is, report only */
#define K_ANYCPU 0xfffffffeU  /* threadBind (extension): bound to no CPU any more */
#define K_NONEXCLUSIVE 0      /* threadBind: other threads may be bound to the same CPU */

#ifdef __cplusplus
extern "C" {
#endif

/* threadScheduler(2K): read the scheduling attributes into *oldparam, then set them from *newparam; a
 * null pointer skips that half. Both point to the parameters of a class, whose first field says which: of
 * the thread's class for oldparam, so that it must have room for them (a KnThreadDefSched has room for any),
 * of any class for newparam. Reading and setting are one step. The attributes are the thread's own, not those
 * lent by a caller. A thread whose priority changes goes to the tail of its new priority's queue; its quantum
 * starts anew. Does not wait for anything but the thread's CPU. Errors: K_EINVAL (capability, thread, class,
 * priority or quantum), K_EUNKNOWN, K_EFAULT. */
int threadScheduler(const KnCap* actorcap, KnThreadLid threadli, void* oldparam, const void* newparam);

/* threadBind(2K): make the thread run on CPU newcpunb from now on; *oldcpunb (may be null) = the CPU that it
 * belonged to. bindid must be K_NONEXCLUSIVE. K_SAMECPU changes nothing. A new thread belongs to the CPU on
 * which threadCreate ran, and is bound to it if its creator is bound. A thread that is not bound may be
 * taken over by a CPU that has nothing to do, when it has waited for its own for a while; K_ANYCPU makes a
 * bound one such a thread again. When the call returns K_OK the thread is bound there, and a thread that
 * bound itself runs there. Errors: K_EINVAL (capability, thread, CPU, bindid), K_EUNKNOWN, K_EFAULT, K_EBUSY
 * (already moving), K_ENOMEM (an exchange of messages must be taken along). */
int threadBind(const KnCap* actorcap, KnThreadLid threadli, KnCpuId newcpunb, KnCpuId* oldcpunb,
               KnBindId bindid);

/* cpuSelf (extension): the number of the CPU on which the caller runs, 0 to cpus - 1. Never fails. */
int cpuSelf(void);

#ifdef __cplusplus
}
#endif
