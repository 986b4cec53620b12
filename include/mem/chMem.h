/* Regions and memory. ChorusOS 5.0 rgnAllocate(2K) to rgnStat(2K), vmCopy(2K) to vmStat(2K).
 *
 * A region is a range of pages of an actor with one set of rights. Its memory comes when it is first
 * touched: each page is zero then, and counts against the actor's quota from then on. An access for which
 * there is no page any more is an exception; a nucleus call that is given such memory returns K_EFAULT or
 * K_ENOMEM. K_NODEMAND and vmLock bring all pages at once.
 *
 * The calls act on address ranges, not on regions: a range may begin and end within regions, which are then
 * cut there, and span several. Ranges begin at a page (K_EROUND); sizes are rounded up to pages. Errors that
 * all of them share: K_EINVAL (capability, options), K_EUNKNOWN (no such actor), K_EFAULT (an argument cannot
 * be read or written), K_EADDR (nothing is there, or it lies outside the user space), K_EROUND, K_ESIZE
 * (0 or too big), K_EBUSY (another thread is changing a part of the range), K_ENOMEM, K_EPRIV (see below).
 *
 * Supervisor actors share one space. Their regions lie there, all pages come at once and stay, and the
 * actor's end frees them. K_SVACTOR instead of an actor means that space and what belongs to nobody in it:
 * regions that stay until somebody frees them, svPagesAllocate's among them. A call changes only what its
 * actor (or nobody) has in a range; the rest is like a hole. Both are for SYSTEM actors and threads in
 * supervisor mode: K_EPRIV. rgnDup, rgnMap and rgnInit are not for them: K_EINVAL. */
#ifndef MEM_CHMEM_H
#define MEM_CHMEM_H

#include <chorus/types.h>

typedef uint64_t PhAddr;

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
#define K_FILLZERO 0x04U      /* memory is always zero at first here */
#define K_ANYWHERE 0x08U      /* the nucleus chooses startAddr and stores it */
#define K_RESTRICTIVE 0x10U   /* it chooses inside startAddr … endAddr, both page aligned */
#define K_FREEALL 0x20U       /* rgnFree: all regions of the actor; of K_SVACTOR: K_EINVAL */
#define K_RESERVED 0x40U      /* the addresses only: every access is an exception */
#define K_SUPERVISOR 0x80U    /* in the supervisor space: nothing new; in user space: K_EINVAL */
#define K_NODEMAND 0x100U     /* all pages come now, or K_ENOMEM */
#define K_INHERITSHARE 0x200U /* rgnDup: the duplicate shares the memory */
#define K_INHERITCOPY 0x400U  /* rgnDup: the duplicate gets a copy; not both */
#define K_NOSWAPOUT 0x800U    /* kept; nothing is swapped out here */
#define K_USERSPACE 0x1000U   /* rgnStat: the buffer is the caller's, as always here */
#define K_NOWAITFORMEMORY 0x2000U
#define K_NOACCESS 0x4000U /* extension: every access is an exception, but the memory stays; no other right  \
                            */
#define K_DISCARD 0x8000U  /* extension, rgnFree: the contents only; the range stays */
#define K_VMMAP 0x10000U   /* extension: pages come by vmMap only; see there */

/* An element of rgnStat's array. */
typedef struct KnRgnStat {
    VmAddr startAddr;
    VmAddr endAddr;
    VmSize size;
    VmFlags options; /* K_WRITABLE, K_EXECUTABLE, K_INHERIT…, K_NODEMAND, K_RESERVED, … */
    VmFlags opaque2;
    void* opaque1;
    unsigned int lockCount; /* vmLock */
} KnRgnStat;

/* The nucleus keeps redMark bytes of free memory to itself; orangeMark and greenMark tell a pager when to
 * begin and to stop. The limits are read only. svStartAddr, svEndAddr: the supervisor space; 0: the machine
 * has none. swapEnabled: 0, nothing is swapped. */
typedef struct KnVmPar {
    KnUniqueId defaultMapper;
    VmSize redMark, orangeMark, greenMark;
    VmAddr usrStartAddr, usrEndAddr, svStartAddr, svEndAddr;
    VmOffset minOffset, maxOffset;
    unsigned int swapAvailability;
    int swapEnabled;
} KnVmPar;

/* Bytes of memory: all that the nucleus manages, what is free of it, what vmLock holds. */
typedef struct KnVmStat {
    KnVmPar par;
    VmSize hostMem, freeMem, lockMem;
} KnVmStat;

#ifdef __cplusplus
extern "C" {
#endif

/* rgnAllocate(2K): a new region of the actor. Errors: as above, and K_EOVERLAP. K_ENOMEM: no room, or
 * (K_NODEMAND) no memory. Blocks with K_NODEMAND only. */
int rgnAllocate(const KnCap* actorcap, KnRgnDesc* rgndesc);

/* rgnFree(2K): free the address range startAddr, size (options 0 or K_FREEALL): it may cut or split regions
 * and span several; holes do not matter. Waits while a part of it is locked (vmLock); K_EABORT: the wait was
 * aborted. K_ENOMEM: no room to cut a region.
 * K_DISCARD, of user actors only (else K_EINVAL): the regions stay as they are, and their pages come again
 * when they are touched, zero; those of segments stay. Who waits in that memory gets K_EFAULT. What another
 * thread writes there during the call may be kept or lost. */
int rgnFree(const KnCap* actorcap, const KnRgnDesc* rgndesc);

/* rgnDup(2K): duplicate the regions of an actor at the same addresses into another, which has none (else
 * K_EINVAL). flags: K_INHERITSHARE or K_INHERITCOPY for all; 0: as each region says; one that says nothing
 * is left out. Copies are made when either side writes. When it fails, the target is empty again. Blocks. */
int rgnDup(const KnCap* tgtactorcap, const KnCap* srcactorcap, VmFlags flags);

/* rgnInitFromActor(2K), rgnMapFromActor(2K): a new region of the target with a copy of the source's range
 * (which is memory from end to end: else K_EADDR), or with the same memory: both see what either writes. Of
 * *srcrgndesc startAddr and size are used; *tgtrgndesc says where and how as for rgnAllocate (its size is not
 * looked at). K_RESERVED: K_EINVAL. To be shared all pages of the source come first. Block. */
int rgnInitFromActor(const KnCap* tgtactorcap, KnRgnDesc* tgtrgndesc, const KnCap* srcactorcap,
                     const KnRgnDesc* srcrgndesc);
int rgnMapFromActor(const KnCap* tgtactorcap, KnRgnDesc* tgtrgndesc, const KnCap* srcactorcap,
                    const KnRgnDesc* srcrgndesc);

/* rgnSetProtect(2K): options (K_WRITABLE, K_EXECUTABLE, K_NOACCESS or 0) for whatever is in the range. Waits
 * while a part of it is locked (vmLock), as rgnFree. */
int rgnSetProtect(const KnCap* actorcap, const KnRgnDesc* rgndesc);

/* rgnSetInherit(2K): K_INHERITSHARE, K_INHERITCOPY or 0. rgnSetPaging(2K): K_NODEMAND (all pages come now;
 * blocks), K_NOSWAPOUT. rgnSetOpaque(2K): opaque1 and opaque2; options 0. */
int rgnSetInherit(const KnCap* actorcap, const KnRgnDesc* rgndesc);
int rgnSetPaging(const KnCap* actorcap, const KnRgnDesc* rgndesc);
int rgnSetOpaque(const KnCap* actorcap, const KnRgnDesc* rgndesc);

/* rgnStat(2K): describe the regions that have a part in the range, lowest first, as far as buffsize bytes go.
 * Returns how many there are. options: 0 or K_USERSPACE. Of a supervisor actor: those that are its own;
 * K_SVACTOR: all of the supervisor space, whosever they are. */
int rgnStat(const KnCap* actorcap, const KnRgnDesc* rgndesc, KnRgnStat* stat, unsigned int buffsize);

/* vmCopy(2K): copy size bytes between two actors (K_MYACTOR: the caller). flags: 0. The destination may
 * be a region that its actor itself cannot write (not with K_SVACTOR): so is an image loaded. K_EADDR: not
 * all of a range is mapped; a part may have been copied. Blocks. */
int vmCopy(const KnCap* srcactorcap, VmAddr srcaddress, const KnCap* dstactorcap, VmAddr dstaddress,
           VmSize size, VmFlags flags);

/* vmMap (shape and meaning are this system's; the manuals have the name only): the pages of the source come
 * to the destination, a part of a region that was made with K_VMMAP and has no pages there yet (K_EOVERLAP):
 * both see what either writes. Page aligned; flags: 0. The source is memory with all its pages, of an actor
 * or K_SVACTOR; it may go, and the pages stay as long as somebody has them. K_EADDR: they are not such
 * ranges; a part may have been mapped. K_ENOMEM: of the destination's quota. Blocks. Errors: as above, and
 * K_EPRIV.
 *
 * A region made with K_VMMAP, in user actors only (else K_EINVAL), is somebody else's memory: an access to a
 * page that is not there is an exception. Its actor may touch and free it. rgnSetProtect is for SYSTEM actors
 * and threads in supervisor mode (K_EPRIV), as is vmMap; pages are taken back by rgnFree with K_DISCARD,
 * locked or not. It is no source for rgnInitFromActor and rgnMapFromActor, and rgnDup leaves it out. */
int vmMap(const KnCap* srcactorcap, VmAddr srcaddress, const KnCap* dstactorcap, VmAddr dstaddress,
          VmSize size, VmFlags flags);

/* vmLock(2K): all pages of the range come now and stay where they are; flags: 0, or K_WRITABLE when they are
 * to be written. Locks count: rgnFree and rgnSetProtect wait for as many vmUnLock of the same range. K_EADDR:
 * not all of it is memory that may be accessed so. Blocks. vmUnLock: K_EINVAL also when it is not locked. */
int vmLock(const KnCap* actorcap, VmAddr address, VmSize size, VmFlags flags);
int vmUnLock(const KnCap* actorcap, VmAddr address, VmSize size, VmFlags flags);

/* vmPhysAddr(2K): where a page that is there lies. Errors: K_EPRIV; K_EADDR: there is no page by now. */
int vmPhysAddr(const KnCap* actorcap, VmAddr virtaddress, PhAddr* physaddr);

/* vmStat(2K): the memory, and the marks. Errors: K_EFAULT. */
int vmStat(KnVmStat* stat);

/* vmSetPar(2K): set the default mapper and the marks, redMark <= orangeMark <= greenMark (else
 * K_EINVAL); the rest of *par is not looked at. Errors: K_EFAULT, K_EPRIV. */
int vmSetPar(const KnVmPar* par);

/* ---- supervisor actors ------------------------------------------------------------------------------- */

/* svPagesAllocate(2K), threads in supervisor mode: size bytes, in whole pages, of zeroed writable memory in
 * the supervisor space; *address = where. It belongs to nobody, as K_SVACTOR's: actcap (K_MYACTOR: the
 * caller's) is only looked at. flags: 0 or K_NOWAITFORMEMORY, which changes nothing. Errors: K_EINVAL
 * (capability, flags), K_EUNKNOWN, K_ESIZE, K_ENOMEM, K_EFAULT (at interrupt level, if the place for the
 * address goes during the call: the pages stay), K_EPRIV. */
int svPagesAllocate(VmAddr* address, VmSize size, VmFlags flags, const KnCap* actcap);

/* svPagesFree(2K): give them back, or some of them. Errors: K_EADDR (nothing there), K_EROUND, K_ESIZE,
 * K_EBUSY (being freed, or locked by vmLock), K_ENOMEM (no room to split a region), K_EPRIV. */
int svPagesFree(VmAddr address, VmSize size);

/* svCopyIn(2K): copy count bytes from src in the space of the thread that runs a trap handler to dest;
 * svCopyOut: the other way; svCopyInString: up to a NUL, with it, at most maxCount bytes; returns their
 * number. Only in supervisor actors: functions that do not enter the nucleus. Errors: K_EFAULT; K_ENOMEM (no
 * NUL in maxCount bytes). */
int svCopyIn(VmAddr src, void* dest, int count);
int svCopyInString(VmAddr src, char* dest, int maxCount);
int svCopyOut(const void* src, VmAddr dest, int count);

/* svCopyInside (extension): the same between two places of the supervisor space, of which one may not be
 * there. */
int svCopyInside(const void* src, void* dest, int count);

/* svSymbolAddress (extension): where a call of the nucleus is for code in the supervisor space, as the images
 * of supervisor actors are linked with it; 0: there is none of that name. The same kind of function. */
VmAddr svSymbolAddress(const char* name);

/* vmPageSize(2K): bytes of a page. */
int vmPageSize(void);

#ifdef __cplusplus
}
#endif

#endif
