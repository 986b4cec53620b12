/* System time: since boot. ChorusOS 5.0 sysTime(2K). */
#pragma once

#include <chorus/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sysTime(2K): *time = seconds and nanoseconds since the nucleus started; never goes back. Errors:
 * K_EFAULT. */
int sysTime(KnTimeVal* time);

/* sysTimeGetRes(2K): the smallest difference that sysTime can show. Errors: K_EFAULT. */
int sysTimeGetRes(KnTimeVal* resolution);

#ifdef __cplusplus
}
#endif
