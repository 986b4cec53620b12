/* The date: Universal Time since 1970-01-01. ChorusOS 5.0 univTime(2K).
 *
 * The system reads it from the machine's battery clock at boot; without one there is no date until
 * univTimeSet. Time zones are not the nucleus's. */
#pragma once

#include <chorus/types.h>

#define K_INVALID_NSEC (-1L) /* tmNSec while there is no date */

#ifdef __cplusplus
extern "C" {
#endif

/* univTime(2K): *curtime = the date; {0, K_INVALID_NSEC} when there is none yet, and K_OK all the same.
 * Errors: K_EFAULT. */
int univTime(KnTimeVal* curtime);

/* univTimeSet(2K): the date to *oldtime (null: not), then *newtime becomes the date (null: not). A new date
 * needs a SYSTEM actor or a supervisor thread; it ends an adjustment. Errors: K_EINVAL (not a date),
 * K_EFAULT, K_EPRIV. */
int univTimeSet(KnTimeVal* oldtime, const KnTimeVal* newtime);

/* univTimeAdjust(2K): what is left of the adjustment to *olddelta (null: not), then a new adjustment by
 * *newdelta (null: not), which may be negative and takes the place of the old one: the date runs faster or
 * slower by 1/2000 until the difference is made up, and never goes back. A negative difference has both parts
 * negative, or a tmNSec that brings it nearer to zero. Rights as for univTimeSet. Errors: K_EINVAL (not a
 * difference; there is no date), K_EFAULT, K_EPRIV. */
int univTimeAdjust(KnTimeVal* olddelta, const KnTimeVal* newdelta);

/* univTimeGetRes(2K): the smallest difference that univTime can show. Errors: K_EFAULT. */
int univTimeGetRes(KnTimeVal* resolution);

#ifdef __cplusplus
}
#endif
