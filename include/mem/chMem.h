/* Regions and memory. ChorusOS 5.0 rgnAllocate(2K), vmCopy(2K). */
#pragma once

#include <chorus/types.h>

typedef struct KnRgnDesc {
    VmAddr startAddr; /* page aligned */
    VmSize size;      /* bytes, rounded up to pages */
    VmFlags options;
    VmAddr endAddr; /* K_RESTRICTIVE: end of the window that starts at startAddr */
    void* opaque1;  /* the owner's, not looked at */
    VmFlags opaque2;
} KnRgnDesc;

/* KnRgnDesc.options */
#define K_WRITABLE 0x01U /* else read only; not together with K_EXECUTABLE: K_EINVAL */
#define K_EXECUTABLE 0x02U
#define K_FILLZERO 0x04U    /* memory is always zero at first here */
#define K_ANYWHERE 0x08U    /* the nucleus chooses startAddr and stores it */
#define K_RESTRICTIVE 0x10U /* the nucleus chooses inside startAddr … endAddr; not offered yet: K_EINVAL */
#define K_FREEALL 0x20U     /* rgnFree: all regions of the actor */

#ifdef __cplusplus
extern "C" {
#endif

/* rgnAllocate(2K): a new region of the actor. Errors: K_EINVAL (capability, options), K_EUNKNOWN,
 * K_EFAULT (the descriptor), K_ENOMEM (no memory, no room), K_EOVERLAP, K_EADDR (outside the user
 * space), K_EROUND (startAddr not page aligned), K_ESIZE (0 or too big). */
int rgnAllocate(const KnCap* actorcap, KnRgnDesc* rgndesc);

/* rgnFree(2K): free the address range startAddr, size (options 0 or K_FREEALL): it may cut or split regions
 * and span several. Errors: K_EINVAL, K_EUNKNOWN, K_EFAULT, K_EADDR (nothing there, or outside), K_EROUND,
 * K_ESIZE, K_EBUSY (another thread is changing the range), K_ENOMEM (no room to split a region). */
int rgnFree(const KnCap* actorcap, const KnRgnDesc* rgndesc);

/* vmCopy(2K): copy size bytes between two actors (K_MYACTOR: the caller). flags: 0. The destination may
 * be a region that its actor itself cannot write: so is an image loaded. Errors: K_EINVAL (capability,
 * flags), K_EUNKNOWN, K_EFAULT (capability pointers), K_EADDR (not all of a range is mapped; a part may
 * have been copied). */
int vmCopy(const KnCap* srcactorcap, VmAddr srcaddress, const KnCap* dstactorcap, VmAddr dstaddress,
           VmSize size, VmFlags flags);

/* vmPageSize(2K): bytes of a page. */
int vmPageSize(void);

#ifdef __cplusplus
}
#endif
