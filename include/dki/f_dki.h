/* The driver to kernel interface: physical memory, small supervisor memory, interrupts. ChorusOS 5.0,
 * section 9DKI. For threads in supervisor mode; others get K_EPRIV where there is a result. */
#pragma once

#include <chorus/types.h>
#include <mem/chMem.h>

typedef uint64_t PhSize;

typedef struct KnPhMemChunk {
    PhAddr paddr; /* physical start address */
    PhSize psize; /* bytes */
    VmAddr vaddr; /* where it is mapped */
} KnPhMemChunk;

/* Constraints on physical memory; 0: none. */
typedef struct KnPhMemAlign {
    PhSize alignment; /* paddr is a multiple of it: a power of two */
    PhSize boundary;  /* the chunk crosses no multiple of it: a power of two */
    PhAddr limit;     /* the chunk ends at or below it */
} KnPhMemAlign;

/* svPhysMap: how the pages are mapped. */
typedef unsigned int PteCntlBits;
#define K_PTE_WRITABLE 1U /* else read only */
#define K_PTE_UNCACHED 2U /* device registers */

#ifdef __cplusplus
extern "C" {
#endif

/* svPhysAlloc(9DKI): contiguous memory of chunk->psize bytes, rounded up to a power of two of pages;
 * chunk->paddr = where. What it held before is still there. Errors: K_EINVAL (align), K_ESIZE, K_ENOMEM,
 * K_EFAULT, K_EPRIV. */
KnError svPhysAlloc(KnPhMemChunk* chunk, const KnPhMemAlign* align);
/* svPhysFree(9DKI): a chunk as svPhysAlloc gave it, unmapped before. Errors: K_EINVAL (nothing that it gave),
 * K_EFAULT, K_EPRIV. */
KnError svPhysFree(const KnPhMemChunk* chunk);

/* svPhysMap(9DKI): map chunk->psize bytes from chunk->paddr on, both in whole pages, into the supervisor
 * space; chunk->vaddr = where. Errors: K_EINVAL (bits), K_EROUND, K_ESIZE, K_EADDR, K_ENOMEM, K_EFAULT,
 * K_EPRIV. */
KnError svPhysMap(KnPhMemChunk* chunk, PteCntlBits cntlBits);
/* svPhysUnmap(9DKI): take the mapping at chunk->vaddr away, on every CPU. Errors: K_EADDR (none there),
 * K_EROUND, K_ESIZE, K_EBUSY, K_ENOMEM (no room to split a region), K_EFAULT, K_EPRIV. */
KnError svPhysUnmap(const KnPhMemChunk* chunk);

/* svMemMap, svMemUnMap (9DKI): device registers at a physical address, of any alignment; null: no room. */
void* svMemMap(PhAddr paddr, PhSize size);
void svMemUnMap(void* address, PhSize size);

/* svMemAlloc(9DKI): size bytes of supervisor memory, 16-aligned; null: none. It belongs to no actor: whoever
 * got it gives it back by svMemFree. Not from interrupt handlers. */
void* svMemAlloc(unsigned int size);
void svMemFree(void* address); /* null: nothing */

/* ---- interrupts ----
 *
 * A handler runs at interrupt level: on the CPU that takes the interrupt, on the nucleus's stack (it may use
 * 4 KiB), with interrupts masked, and it never waits. It may touch its device and memory of the supervisor
 * space, and call
 *   semV, threadSemPost, eventPost
 *   svSpinLock..., svMaskedLock..., imsIntrMask_f, imsIntrUnmask_f, imsIntrMaskCount_f
 *   lapInvoke: what it calls is at interrupt level too, and an exception there is not survived
 *   svSysTimeoutSet, svSysTimeoutCancel, svTimeoutSet, svTimeoutCancel, svTimeoutGetRes
 *   sysTime, sysTimeGetRes, hrTimer..., svPagesAllocate, the functions of CpuIntrOps.
 * K_MYACTOR is the actor that attached it. Any other nucleus call does nothing and is K_EINVAL. An exception
 * in a handler is the end of the system. */

/* A line of the machine's interrupt controller: x86, a global system interrupt of the I/O APICs (0 to 15 are
 * the ISA lines, unless the firmware says other); RISC-V, a source of the PLIC or APLIC. */
typedef unsigned int CpuIntr;
typedef void (*CpuIntrHandler)(void* cookie);
typedef uint64_t CpuIntrId; /* of one handler; never used twice */

/* What a handler's owner may do with its line, at thread or interrupt level. mask and disable are the same:
 * the line is masked until everybody who masked it unmasks it; so are unmask and enable. */
typedef struct CpuIntrOps {
    void (*unmask)(CpuIntrId intrId);
    void (*mask)(CpuIntrId intrId);
    void (*enable)(CpuIntrId intrId);
    void (*disable)(CpuIntrId intrId);
} CpuIntrOps;

/* svIntrAttach(9DKI): call intrHandler(intrCookie) when line intr fires, after those who attached to it
 * before. All are called each time: who shares a level line looks whether its device wants anything. The line
 * is open as soon as somebody is attached and nobody masks it. intrOps may be null. Goes with the actor.
 * Errors: K_EINVAL (no such line, no handler), K_EUNKNOWN (the actor is being deleted), K_EFAULT, K_ENOMEM,
 * K_EPRIV. */
KnError svIntrAttach(CpuIntr intr, CpuIntrHandler intrHandler, void* intrCookie, CpuIntrOps** intrOps,
                     CpuIntrId* intrId);
/* svIntrDetach(9DKI): when it returns the handler neither runs nor is called again. Errors: K_EINVAL (not
 * attached), K_EPRIV. */
KnError svIntrDetach(CpuIntrId intrId);

/* svIntrConnect, svIntrMask (internal): what svIntrAttach and CpuIntrOps are made of. */
KnError svIntrConnect(CpuIntr intr, CpuIntrHandler intrHandler, void* intrCookie, CpuIntrId* intrId);
KnError svIntrMask(CpuIntrId intrId, int masked);

/* imsIntrMask_f(9DKI): mask interrupts on this CPU; calls nest, the last imsIntrUnmask_f unmasks. The caller
 * must not block meanwhile. */
void imsIntrMask_f(void);
void imsIntrUnmask_f(void);

/* imsIntrMaskCount (extension): how often the caller has masked interrupts and not unmasked them; those locks
 * that mask them count, and at interrupt level the nucleus's own masking is one more. Behind
 * imsIntrMaskCount_f(9DKI), the published variable, which is read only here: there is one for each CPU. */
unsigned int imsIntrMaskCount(void);

#ifdef __cplusplus
}
#endif

#define imsIntrMaskCount_f (imsIntrMaskCount())

/* Nested too. Masking interrupts is how it is done. */
#define DISABLE_PREEMPT() imsIntrMask_f()
#define ENABLE_PREEMPT() imsIntrUnmask_f()
