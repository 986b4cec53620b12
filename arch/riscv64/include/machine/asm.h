/* For assembly: instructions that may fault on user memory, sites that boot code patches (cpu/patch.cpp). */
#pragma once

#define PATCH_ASID 1 /* becomes a no-operation where the MMU has address space identifiers */

#define SSTATUS_SIE 0x2
#define SSTATUS_SPIE 0x20
#define SSTATUS_SPP 0x100
#define SSTATUS_FS 0x6000
#define SSTATUS_VS 0x600
#define SSTATUS_SUM 0x40000
#define SSTATUS_MXR 0x80000

#ifdef __ASSEMBLER__

/* An instruction that may fault on user memory, and where to go on when it does. */
#define MAY_FAULT(target, ...) \
    998: __VA_ARGS__; \
    .pushsection .fixups, "a"; .quad 998b, target; .popsection

/* After a root was loaded: forgets all translations, unless identifiers keep those of the spaces apart. */
.macro PATCHED_FLUSH
997: sfence.vma
    .pushsection .patches, "a"
    .quad 997b, PATCH_ASID
    .popsection
.endm

#endif
