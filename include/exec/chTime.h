/* System time: since boot. ChorusOS 5.0 sysTime(2K). */
#pragma once

#include <chorus/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sysTime(2K): *time = seconds and nanoseconds since the nucleus started. Never goes back, also when the
 * threads of several CPUs tell each other what they read. Errors: K_EFAULT. */
int sysTime(KnTimeVal* time);

/* sysTimeGetRes(2K): the smallest difference that sysTime can show. Errors: K_EFAULT. */
int sysTimeGetRes(KnTimeVal* resolution);

/* An extension: *frequency = ticks per second of the counter behind sysTime, which programs can read
 * themselves (<dki/hrt/f_hrt.h>). Errors: K_EFAULT. */
int sysCounterFrequency(uint64_t* frequency);

#ifdef __cplusplus
}
#endif
