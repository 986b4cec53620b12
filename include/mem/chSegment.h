/* Segments: memory that a mapper serves (mem/chMapper.h). ChorusOS 4.0 rgnMap(2SEG), rgnInit(2SEG),
 * sgRead(2SEG).
 *
 * A segment is named by a capability: a port of its mapper, and the mapper's key for it. Its pages come from
 * the mapper when they are first touched: the thread that touches one waits for the mapper's reply. When the
 * mapper refuses or answers nonsense, or its port or its thread is deleted, the access is an exception, and a
 * nucleus call that needed the page returns K_EFAULT, or K_EADDR where it names addresses. A mapper that does
 * not answer at all lets those who touch its pages wait, until they are aborted or deleted, and nobody else.
 *
 * A leaf call (docs/calls.md), which never waits, returns K_EFAULT when memory that it is given has not come
 * yet: touch it before. */
#ifndef MEM_CHSEGMENT_H
#define MEM_CHSEGMENT_H

#include <mem/chMapper.h>
#include <mem/chMem.h>

/* A part of a segment. */
typedef struct KnObjDesc {
    KnCap dataObject;     /* the segment: ui = the mapper's port, key = the mapper's name for it */
    VmOffset startOffset; /* bytes; page aligned but for sgRead and sgWrite */
    VmSize size;          /* bytes */
} KnObjDesc;

#define K_MOVE 0x4000U /* sgRead, sgWrite: the source's contents are not needed any more */

#ifdef __cplusplus
extern "C" {
#endif

/* rgnMap(2SEG): a new region that shows the segment from startOffset on. All who map a page of a segment
 * share it, whatever actor they are in; what they write goes back to the mapper (KN_MPPUSHOUT) when the last
 * of them has freed it, or by sgFlush. K_WRITABLE: the right to write a page is asked for when it is first
 * written (KN_MPGETACCESS), unless the mapper has given it with the page. Options as rgnAllocate, but
 * K_RESERVED; K_FILLZERO is ignored; K_NODEMAND brings all pages at once. The region's size must not exceed
 * segdesc->size. Errors: as rgnAllocate; K_EUNKNOWN also: there is no such port; K_EADDR also, with
 * K_NODEMAND: a page was refused. Blocks with K_NODEMAND only. */
int rgnMap(const KnCap* actorcap, KnRgnDesc* rgndesc, const KnObjDesc* segdesc);

/* rgnInit(2SEG): a new region with a copy of the segment's range: each page is copied when it is first
 * touched, and is the region's own from then on. As rgnMap otherwise. */
int rgnInit(const KnCap* actorcap, KnRgnDesc* rgndesc, const KnObjDesc* segdesc);

/* sgFlush(2SEG): push all pages of the range that may have been written out to the mapper, and wait for its
 * answers. They stay mapped. flags: 0. Errors: K_EINVAL (flags), K_EROUND, K_ESIZE, K_EFAULT, K_EUNKNOWN
 * (nobody maps the segment), K_ENOMEM, K_ENOPORT, K_ECRASH or K_EFAIL (there is
 * no mapper any more, or it answered nonsense), and what the mapper answered, for the first page that it
 * refused; the rest is not pushed then. K_EABORT. Blocks. */
int sgFlush(const KnObjDesc* segdesc, VmFlags flags);

/* sgRead(2SEG): copy the range of the segment to dstaddress in the actor. Neither need be page aligned. What
 * others have written through their mappings is read, pushed out or not; pages that nobody has come from the
 * mapper, and stay no longer than they are needed. flags: 0 or K_MOVE, which allows the nucleus to move pages
 * instead of copying them; it copies. Not atomic: what is written meanwhile shows or does not, and after an
 * error a part may have been copied. Errors: K_EINVAL (flags), K_EUNKNOWN (no such actor, no such port),
 * K_EFAULT (srcsegdesc), K_ESIZE (nothing, or no range of a segment), K_EADDR (the actor's memory), K_ENOMEM,
 * K_ENOPORT, K_ECRASH or K_EFAIL (there is no mapper any more, or it answered nonsense), and what the mapper
 * answered for the page that it refused. K_EABORT. Blocks. */
int sgRead(const KnObjDesc* srcsegdesc, const KnCap* dstactorcap, VmAddr dstaddress, VmFlags flags);

/* sgWrite(2SEG): copy from srcaddress in the actor to the range of the segment. Who maps it sees it at once;
 * a page that nobody maps goes to the mapper, without the caller waiting for the answer: sgFlush does, of
 * what is mapped. The right to write each page is asked for as by a write to a mapping; pages are brought
 * first, even those that are written as a whole. Otherwise, and errors: as sgRead. */
int sgWrite(const KnObjDesc* dstsegdesc, const KnCap* srcactorcap, VmAddr srcaddress, VmFlags flags);

/* lcOpen(2SEG): keep the local cache of a segment, and its capability, by which the mapper knows it (lccap),
 * until lcClose or the end of the actor; *cachelip becomes a local id of the execution actor, which keeps at
 * most 16. Pages are in the cache as long as somebody maps them, kept or not: who wants them to stay maps
 * them. flags: 0. For SYSTEM actors and supervisor threads, as are all lc calls. Errors: K_EINVAL (flags),
 * K_EUNKNOWN (no such port), K_EFAULT, K_EFULL, K_ENOMEM, K_EPRIV. */
int lcOpen(const KnCap* sgcap, VmFlags flags, int* cachelip);

/* lcClose(2SEG): keep it no longer; the id is free. What maps the segment goes on. Errors: K_EINVAL (no such
 * id), K_EPRIV. */
int lcClose(int cacheli);

/* lcCap(2SEG): *cachecap = the capability of a cache that is kept, as its mapper knows it (lccap). Errors:
 * K_EINVAL (no such id), K_EFAULT, K_EPRIV. */
int lcCap(int cacheli, KnCap* cachecap);

/* lcRead(2SEG), lcWrite: as sgRead and sgWrite, of a cache that is kept. *sizep: bytes; afterwards, how many
 * were copied, also after an error that came while copying. Errors: theirs; K_EINVAL: no such id; K_EFAULT:
 * sizep; K_EPRIV. Block. */
int lcRead(int srccacheli, VmOffset srcoffset, const KnCap* dstactorcap, VmAddr dstaddress, VmSize* sizep);
int lcWrite(int dstcacheli, VmOffset dstoffset, const KnCap* srcactorcap, VmAddr srcaddress, VmSize* sizep);

#ifdef __cplusplus
}
#endif

#endif
