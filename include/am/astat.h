/* Which extended actors there are. ChorusOS 4.0 astat(2K). With libchorus.a, under C_OS. */
#ifndef AM_ASTAT_H
#define AM_ASTAT_H

#include <chorus/types.h>

#define ASTAT_NAME_MAX 64          /* bytes of a name, with its NUL */
#define ASTAT_DEBUGGED_CACTOR 0x01 /* in astatFlags: it is being debugged */

/* Extension, of astatFlags: what it does. */
#define ASTAT_STATE(flags) ((flags) >> 8 & 0xf)
#define ASTAT_IDLE 1     /* it has not been started */
#define ASTAT_RUNNING 2  /* one of its threads runs or is ready to */
#define ASTAT_SLEEPING 3 /* all of them wait for something */
#define ASTAT_STOPPED 4  /* they are stopped (arun -d, actorStop) */
#define ASTAT_ENDED 5    /* nobody has asked yet how it ended (awaits) */

typedef struct astatEntry {
    int astatFlags;
    int astatAid;
    int astatUid;
    char astatName[ASTAT_NAME_MAX]; /* argv[0], cut */
} astatEntry;

#ifdef __cplusplus
extern "C" {
#endif

/* astat(2K): describe at most max extended actors, lowest aid first. Returns how many there are, which may be
 * more, or -1 with errno: EFAULT, EINVAL (max negative), ENOSYS (no C_OS here). */
int astat(astatEntry* entries, int max);

#ifdef __cplusplus
}
#endif

#endif
