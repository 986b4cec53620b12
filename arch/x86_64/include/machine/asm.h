/* For assembly: instructions that boot code swaps for better ones when the CPU has them (cpu/patch.cpp).
 * Where `old` is shorter than `new` it is filled up with no-ops. `new` must not refer to anything by relative
 * address. */
#pragma once

#define PATCH_SMAP 1
#define PATCH_FSGSBASE 2

#ifdef __ASSEMBLER__

.macro ALTERNATIVE feature, old, new
661:
    \old
662:
    .skip -(((665f - 664f) - (662b - 661b)) > 0) * ((665f - 664f) - (662b - 661b)), 0x90
663:
    .pushsection .patch_text, "a"
664:
    \new
665:
    .popsection
    .pushsection .patches, "a"
    .quad 661b, 664b
    .long 663b - 661b, 665b - 664b
    .quad \feature
    .popsection
.endm

/* An instruction as text for ALTERNATIVE, with the preprocessor's names in it replaced. */
#define QUOTED_AS_IT_IS(...) #__VA_ARGS__
#define QUOTED(...) QUOTED_AS_IT_IS(__VA_ARGS__)

/* Closes and opens user memory to the nucleus. Nothing without SMAP. */
#define CLAC ALTERNATIVE PATCH_SMAP, "", "clac"
#define STAC ALTERNATIVE PATCH_SMAP, "", "stac"

/* FS base = rax. Without FSGSBASE a call; every register survives. */
#define WRITE_FS_BASE ALTERNATIVE PATCH_FSGSBASE, "call chorale_write_fs_base", "wrfsbase %rax"

/* An instruction that may fault on user memory, and where to go on when it does. */
#define MAY_FAULT(target, ...) \
    998: __VA_ARGS__; \
    .pushsection .fixups, "a"; .quad 998b, target; .popsection

#endif
