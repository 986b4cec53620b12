/* CPU time. ChorusOS 5.0 threadTimes(2K). */
#pragma once

#include <chorus/types.h>

#define K_ALLACTORTHREADS (-2) /* every thread of the actor, those that have ended included */

#ifdef __cplusplus
extern "C" {
#endif

/* threadTimes(2K): the CPU time that a thread has used, nucleus calls included: *internal while its own
 * actor's code ran, *external in other actors' (cross-actor invocations); either may be null.
 * K_ALLACTORTHREADS: the sum over the actor's threads; one that ends meanwhile may be left out. The first
 * call about a thread makes its time exact from then on; what was counted before is exact to the next
 * interrupt or wait, and has calls between threads of one CPU on the account of the caller. May wait for
 * other CPUs. Errors: K_EINVAL (capability, thread), K_EUNKNOWN, K_EFAULT. */
int threadTimes(const KnCap* actorcap, KnThreadLid threadli, KnTimeVal* internal, KnTimeVal* external);

#ifdef __cplusplus
}
#endif
