/* The mapper protocol: how an actor serves the memory of segments. ChorusOS 4.0 MpPullIn(2SEG),
 * MpPushOut(2SEG), MpGetAccess(2SEG), MpRelease(2SEG).
 *
 * A segment is named by a capability: its `ui` is a port of the mapper, its `key` the mapper's own name
 * for it. The nucleus is the client: it calls that port with one of the requests below in the annex, and
 * takes the annex of the reply; data goes in the body. Every structure begins with the word that tells
 * what it is (`service`) or how it went (`diag`: 0, or a negative error, which reaches whoever touched the
 * memory).
 *
 * Offsets and sizes are in bytes and multiples of the page size. A mapper may return more than was
 * required, up to what the request allows; less than required is an error of the mapper. */
#ifndef MEM_CHMAPPER_H
#define MEM_CHMAPPER_H

#include <chorus/types.h>

typedef uint64_t MpPullInId;

typedef struct KnAsynIoDesc {
    uint64_t ioId; /* 0: the nucleus waits for the reply */
} KnAsynIoDesc;

enum { KN_MPPULLIN = 1, KN_MPPUSHOUT = 2, KN_MPGETACCESS = 3, KN_MPRELEASE = 4 };

/* VmFlags requiredAccess, grantedAccess */
#define K_READACCESS 0x1U
#define K_WRITEACCESS 0x2U
/* reply to KN_MPPULLIN and KN_MPGETACCESS, in grantedAccess: tell me by KN_MPRELEASE when the cache goes */
#define K_RELEASE 0x4U

/* KN_MPPULLIN: read data into the cache `lccap`. The reply's body is the data at returnDataOffset. */
typedef struct KnMpPullIn {
    int service;
    KnKey segkey;
    KnCap lccap;
    VmOffset accessOffset; /* what rights may be granted for, and what they are needed for */
    VmSize accessSize;
    VmFlags requiredAccess;
    VmOffset requiredAccessOffset;
    VmSize requiredAccessSize;
    VmOffset dataOffset; /* what may be returned, and what is needed */
    VmSize dataSize;
    VmOffset requiredDataOffset;
    VmSize requiredDataSize;
    MpPullInId pullInId;
} KnMpPullIn;

typedef struct KnMpPullInReply {
    int diag;
    VmFlags grantedAccess;
    unsigned int ordinalNumber;
    VmOffset returnAccessOffset;
    VmSize returnAccessSize;
    VmSize inClusterSize; /* how much the nucleus may ask for at once; 0: a page */
    VmSize outClusterSize;
    VmOffset returnDataOffset;
    VmSize returnDataSize;
} KnMpPullInReply;

/* KN_MPPUSHOUT: data of the cache, in the body, goes back to the segment. */
typedef struct KnMpPushOut {
    int service;
    KnKey segkey;
    KnCap lccap;
    VmOffset dataOffset;
    VmSize dataSize;
    VmFlags options; /* 0 */
    KnAsynIoDesc asynIoDesc;
} KnMpPushOut;

/* KN_MPGETACCESS: the cache has the data and wants more rights on it. */
typedef struct KnMpGetAccess {
    int service;
    KnKey segkey;
    KnCap lccap;
    VmOffset accessOffset;
    VmSize accessSize;
    VmFlags requiredAccess;
    VmOffset requiredAccessOffset;
    VmSize requiredAccessSize;
} KnMpGetAccess;

typedef struct KnMpGetAccessReply {
    int diag;
    VmFlags grantedAccess;
    unsigned int ordinalNumber;
    VmOffset returnAccessOffset;
    VmSize returnAccessSize;
    VmSize inClusterSize;
    VmSize outClusterSize;
} KnMpGetAccessReply;

/* KN_MPRELEASE: the cache of a segment whose mapper asked to be told (K_RELEASE) is gone. */
typedef struct KnMpRelease {
    int service;
    KnKey segkey;
    KnCap lccap;
} KnMpRelease;

/* The reply to KN_MPPUSHOUT and KN_MPRELEASE. */
typedef struct KnMpReply {
    int diag;
} KnMpReply;

#endif
