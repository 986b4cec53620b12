/* Scheduling classes and CPU binding. ChorusOS 5.0 threadScheduler(2K), threadBind(2K). */
#pragma once

#include <chorus/types.h>

typedef unsigned int KnSchedClass;

#define K_SCHED_FIFO 0 /* the only class so far; the first field of each descriptor tells the class */

#define K_SAMECPU 0xffffffffU /* threadBind: leave the thread where it is, report only */
#define K_NONEXCLUSIVE 0      /* threadBind: other threads may be bound to the same CPU */

struct KnFifoThParms;

#ifdef __cplusplus
extern "C" {
#endif

/* threadScheduler(2K): read the scheduling attributes into *oldparam, then set them from *newparam; a
 * null pointer skips that half. The old attributes are the thread's own, not those lent by a caller. A
 * thread whose priority changes goes to the tail of its new priority's queue. Errors: K_EINVAL
 * (capability, thread, class or priority), K_EUNKNOWN, K_EFAULT. */
int threadScheduler(const KnCap* actorcap, KnThreadLid threadli, void* oldparam, const void* newparam);

/* threadBind(2K): make the thread run on CPU newcpunb from now on; *oldcpunb (may be null) = where it
 * was bound. A new thread is bound to the CPU on which threadCreate ran. bindid must be K_NONEXCLUSIVE.
 * When the call returns K_OK the thread is bound there, and a thread that bound itself runs there.
 * Errors: K_EINVAL (capability, thread, CPU, bindid), K_EUNKNOWN, K_EFAULT, K_EBUSY (already moving),
 * K_ENOMEM (an exchange of messages must be taken along). */
int threadBind(const KnCap* actorcap, KnThreadLid threadli, KnCpuId newcpunb, KnCpuId* oldcpunb,
               KnBindId bindid);

/* cpuSelf (extension): the number of the CPU on which the caller runs, 0 to cpus - 1. Never fails. */
int cpuSelf(void);

#ifdef __cplusplus
}
#endif
