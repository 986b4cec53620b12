/* Waiting for the end of extended actors. ChorusOS 4.0 awaits(2K). With libchorus.a, under C_OS. */
#ifndef AM_AWAIT_H
#define AM_AWAIT_H

#include <chorus/types.h>

/* What a status says. The layout is that of <sys/wait.h>, and so are the numbers of events that are signals
 * there: WIFEXITED and its kin tell the same of an actor that is a process. */
#define IS_EXIT_EVT(status) (((status) & 0x7f) == 0)   /* it called _exit() */
#define GET_EXIT_EVT(status) (((status) >> 8) & 0xff)  /* low byte of that call's argument */
#define IS_STP_EVT(status) (((status) & 0xff) == 0x7f) /* it is debugged and met an exception */
#define GET_STP_EVT(status) (((status) >> 8) & 0xff)   /* which: AEVT_… */
#define IS_KILL_EVT(status) (!IS_EXIT_EVT(status) && !IS_STP_EVT(status)) /* it was ended */
#define GET_KILL_EVT(status) ((status) & 0x7f)                            /* by what: AEVT_… */

/* The events of awaits(2K); their names are this system's own. */
#define AEVT_ILLEGAL 4     /* illegal instruction */
#define AEVT_BREAKPOINT 5  /* breakpoint */
#define AEVT_FLOAT 8       /* floating point exception */
#define AEVT_AKILL 9       /* ended by akill() */
#define AEVT_PROTECTION 11 /* memory protection */
#define AEVT_DELETE 15     /* ended by actorDelete() */

#ifdef __cplusplus
extern "C" {
#endif

/* awaits(2K): wait until the actor has ended, or stops because it is debugged; *statusp (unless null) = how.
 * An actor that has ended already is remembered for the one that started it. Returns 0, or -1 with errno:
 * ESRCH (none such), EINVAL (not an actor's capability), EFAULT, EINTR (threadAbort, or a signal), ENOSYS (no
 * C_OS here). Blocks. */
int awaits(const KnCap* actorcap, int* statusp);

/* await(2K): the same for whichever actor ends first of those that the caller has started. *actorcap (unless
 * null) = the capability it had. Returns its aid, or -1 with errno: as awaits(); ECHILD (there is none).
 * Blocks. */
int await(KnCap* actorcap, int* statusp);

#ifdef __cplusplus
}
#endif

#endif
