/* Measuring intervals. ChorusOS 5.0 sysBench(2K). */
#pragma once

#include <chorus/types.h>

enum {
    K_BSTART = 0, /* the first point of a measurement */
    K_BPOINT = 1, /* one in between */
    K_BSTOP = 2   /* the last */
};

#ifdef __cplusplus
extern "C" {
#endif

/* sysBench(2K): *uTime = microseconds of a clock that runs on; it wraps. Interrupts stay on: whoever wants to
 * know what they cost measures often. Errors: K_EINVAL (option), K_EFAULT. */
int sysBench(int option, int* uTime);

#ifdef __cplusplus
}
#endif
