/* The high resolution timer: the machine's time counter. ChorusOS 5.0 hrTimerValue(9DKI).
 *
 * Library functions for user and supervisor code, at thread or interrupt level. The counter is the one that
 * sysTime is made from: it runs at a constant speed, all CPUs read the same, and it does not roll over within
 * a century. */
#pragma once

#include <dki/f_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* hrTimerValue(9DKI): *count = the counter. A few instructions, no nucleus call. */
void hrTimerValue(uint64_f* count);

/* hrTimerFrequency(9DKI): *frequency = ticks per second. The first call asks the nucleus. */
void hrTimerFrequency(uint64_f* frequency);

/* hrTimerPeriod(9DKI): *period = the largest value less the smallest. */
void hrTimerPeriod(uint64_f* period);

#ifdef __cplusplus
}
#endif
