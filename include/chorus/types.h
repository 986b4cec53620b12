/* Types and constants that every ChorusOS program sees, C and C++. Error codes are small negative ints (K_OK
 * is 0); the published manuals give the names, the values are this system's own. */
#ifndef CHORUS_TYPES_H
#define CHORUS_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* ---- errors -------------------------------------------------------------------------------------------- */
#define K_OK 0
#define K_EOK 0
#define K_EINVAL (-1)    /* invalid argument, bad capability, illegal context */
#define K_EFAULT (-2)    /* an address outside the caller's space */
#define K_ENOMEM (-3)    /* no memory, or it does not fit */
#define K_EBUSY (-4)     /* in use, or already in progress */
#define K_EABORT (-5)    /* the wait was aborted */
#define K_ETIMEOUT (-6)  /* the wait limit was reached */
#define K_EUNKNOWN (-7)  /* actor, port or thread not reachable */
#define K_EFULL (-8)     /* a queue or a table is full */
#define K_EPRIV (-9)     /* privilege insufficient */
#define K_ENOPORT (-10)  /* the port was deleted while a thread waited on it */
#define K_ETOOMUCH (-11) /* message too big */
#define K_ENOTIMP (-12)  /* no such call */
#define K_EOVERLAP (-13) /* regions overlap */
#define K_EADDR (-14)    /* bad address in a range */
#define K_EROUND (-15)   /* bad alignment */
#define K_ESIZE (-16)    /* bad size */
#define K_ECRASH (-17)   /* the server died before it replied */
#define K_EFAIL (-18)    /* the request was dropped without a reply */
#define K_EEXIST (-19)   /* the object exists already */
#define K_EPROT (-20)    /* protection forbids it */
#define K_ESATUR (-21)   /* too much of it is under way */
#define K_EFORBIDDEN (-22) /* not here, or not to this object */

/* ---- names --------------------------------------------------------------------------------------------- */
typedef struct KnUniqueId {
    uint64_t uiHead; /* type, site and bucket */
    uint64_t uiTail; /* dynamic UIs: 64 unpredictable bits; static UIs: the stamp */
} KnUniqueId;

typedef uint64_t KnKey;

typedef struct KnCap {
    KnUniqueId ui;
    KnKey key;
} KnCap;

typedef uintptr_t VmAddr;
typedef size_t VmSize;
typedef uint64_t VmOffset; /* in a segment */
typedef unsigned int VmFlags;
typedef int KnError;
typedef int KnThreadLid;
typedef unsigned int KnCpuId;
typedef unsigned int KnBindId;
typedef unsigned int KnEvtNum;
typedef uint64_t KnTransId;
typedef uintptr_t KnPc;

#ifdef __cplusplus
#define K_MYACTOR (static_cast<KnCap*>(nullptr))
#define K_SVACTOR (reinterpret_cast<KnCap*>(intptr_t{-1}))
#else
#define K_MYACTOR ((KnCap*)0)
#define K_SVACTOR ((KnCap*)(intptr_t)-1) /* memory calls: the supervisor space, what is nobody's there */
#endif
#define K_MYSELF (-1)           /* as a thread: the caller */
#define K_ALLACTORTHREADS (-2)  /* as a thread: every one of the actor */

/* ---- time ---------------------------------------------------------------------------------------------- */
typedef struct KnTimeVal {
    long tmSec;
    long tmNSec;
} KnTimeVal;

/* A waitLimit argument: how long a call may wait. It points to a relative time, or is
 *   K_NOTIMEOUT          wait for ever
 *   K_NOBLOCK            do not wait; a zero time means the same
 * and such a wait ends when threadAbort() comes. One that does not:
 *   K_NOTIMEOUT_NOABORT  wait for ever, aborts are left for later
 *   tmNSec + K_NOABORT   at most this time, aborts are left for later
 * Negative numbers and tmNSec outside 0..999999999 (without K_NOABORT) are K_EINVAL. */
#ifdef __cplusplus
#define K_NOTIMEOUT (reinterpret_cast<KnTimeVal*>(intptr_t{-1}))
#define K_NOTIMEOUT_NOABORT (reinterpret_cast<KnTimeVal*>(intptr_t{-2}))
#define K_NOBLOCK (static_cast<KnTimeVal*>(nullptr))
#else
#define K_NOTIMEOUT ((KnTimeVal*)(intptr_t)-1)
#define K_NOTIMEOUT_NOABORT ((KnTimeVal*)(intptr_t)-2)
#define K_NOBLOCK ((KnTimeVal*)0)
#endif
#define K_NOABORT (1L << 30)                   /* above every valid tmNSec */
#define K_NPERM 1000000L                       /* nanoseconds in a millisecond */

#endif
