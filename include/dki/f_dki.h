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

/* imsIntrMask_f(9DKI): mask interrupts on this CPU; calls nest, the last imsIntrUnmask_f unmasks. The caller
 * must not block meanwhile. */
void imsIntrMask_f(void);
void imsIntrUnmask_f(void);

#ifdef __cplusplus
}
#endif

/* Nested too. Masking interrupts is how it is done. */
#define DISABLE_PREEMPT() imsIntrMask_f()
#define ENABLE_PREEMPT() imsIntrUnmask_f()
