// The first instructions: the boot hart from the loader, the others from the firmware's hart_start.
// Invariant: until satp is loaded the code runs at the physical address where the loader put it, on any
// boundary of 2 MiB, so it uses nothing but addresses relative to pc.
#include <machine/asm.h>
#include <machine/offsets.h>

#define PTE_TABLE 0x01
#define PTE_LARGE 0xef     /* a leaf: global, accessed, dirty, read, write, execute */
#define PTE_ADDRESS_SHIFT 2 /* from a physical address to its place in an entry */
#define ENTRIES 512
#define ENTRY_BYTES 8
#define NUCLEUS_INDEX 510  /* the entry of the top table for nucleus_base */
#define DIRECT_INDEX 256   /* the first one for direct_base */
#define DIRECT_ENTRIES 128 /* of 1 GiB each */
#define GIB_SHIFT 30
#define LARGE_SHIFT 21
#define SATP_SV39 8
#define SATP_MODE_SHIFT 60

    .section .head, "ax", @progbits
    .globl chorale_start
chorale_start:                          // a0: hart id, a1: physical address of the device tree
    // The header of a Linux image, as the RISC-V boot protocol has it: U-Boot's booti wants it.
    j       start_boot_hart             // 4 bytes; the compressed form would do too
    .balign 8, 0
    .quad   0x200000                    // where to load, from the start of memory
    .quad   chorale_image_size
    .quad   0                           // flags: little endian
    .word   2                           // version of this header
    .word   0
    .quad   0
    .ascii  "RISCV\0\0\0"
    .ascii  "RSC\5"
    .word   0

    .text
    .balign 4
start_boot_hart:
    csrw    sie, zero
    csrw    satp, zero
    la      t0, boot_has_begun
    li      t1, 1
    amoswap.w.aqrl t1, t1, (t0)
    bnez    t1, .Lmisdirected
    mv      s0, a0
    mv      s1, a1
    la      t0, chorale_bss_begin
    la      t1, chorale_image_end
1:  sd      zero, (t0)
    addi    t0, t0, 8
    bltu    t0, t1, 1b
    la      sp, chorale_boot_stack_top

    // Early tables: the image where it is linked, and all that the direct map can hold.
    la      t0, early_image_table
    la      t1, chorale_image_begin
    srli    t1, t1, LARGE_SHIFT         // the image's 2 MiB page; the table begins one page below
    addi    t1, t1, -1
    slli    t1, t1, LARGE_SHIFT - PTE_ADDRESS_SHIFT
    addi    t1, t1, PTE_LARGE
    li      t2, 1 << (LARGE_SHIFT - PTE_ADDRESS_SHIFT)
    li      t3, ENTRIES
2:  sd      t1, (t0)
    add     t1, t1, t2
    addi    t0, t0, ENTRY_BYTES
    addi    t3, t3, -1
    bnez    t3, 2b

    la      t0, early_table
    la      t1, early_image_table
    srli    t1, t1, PTE_ADDRESS_SHIFT
    addi    t1, t1, PTE_TABLE
    li      t2, NUCLEUS_INDEX * ENTRY_BYTES
    add     t2, t2, t0
    sd      t1, (t2)
    li      t2, DIRECT_INDEX * ENTRY_BYTES
    add     t2, t2, t0
    li      t1, PTE_LARGE
    li      t3, 1 << (GIB_SHIFT - PTE_ADDRESS_SHIFT)
    li      t4, DIRECT_ENTRIES
3:  sd      t1, (t2)
    add     t1, t1, t3
    addi    t2, t2, ENTRY_BYTES
    addi    t4, t4, -1
    bnez    t4, 3b

    la      a2, chorale_image_begin     // physical still
    srli    t0, t0, 12
    li      t1, SATP_SV39 << SATP_MODE_SHIFT
    or      a3, t0, t1
    la      t0, start_virtual
    call    to_virtual
    .balign 4                           // stvec
start_virtual:
    lui     sp, %hi(chorale_boot_stack_top)
    addi    sp, sp, %lo(chorale_boot_stack_top)
    li      tp, 0
    csrw    sscratch, zero
    lui     t0, %hi(early_trap)
    addi    t0, t0, %lo(early_trap)
    csrw    stvec, t0
    mv      a0, s0
    mv      a1, s1
    li      s0, 0
    call    chorale_boot                // hart, tree, physical address of the image
    unimp

// Loads satp from a3 and goes on at t0, at the address where the image is linked. The pages that the code
// runs on now are not mapped any more then: the next fetch traps, to there.
to_virtual:
    la      t1, chorale_image_begin
    sub     t0, t0, t1
    lui     t1, %hi(chorale_image_begin)
    addi    t1, t1, %lo(chorale_image_begin)
    add     t0, t0, t1
    csrw    stvec, t0
    sfence.vma
    csrw    satp, a3
    .balign 4
1:  wfi
    j       1b

// OpenSBI up to 1.1 tells a hart to start before it has told it where: a hart that is just looking goes to
// the address of the boot hart, with the boot hart's argument. Its CPU index is in the table, since it was
// asked for.
.Lmisdirected:
    la      t0, chorale_harts
    li      a1, 1                       // CPU 0 is the boot hart
    li      t1, MAX_CPUS
1:  addi    t0, t0, 4
    lwu     a2, (t0)
    beq     a2, a0, chorale_start_secondary
    addi    a1, a1, 1
    bltu    a1, t1, 1b
2:  wfi                                 // nobody asked for this one
    j       2b

// Another hart, by hart_start: a0: hart id, a1: its CPU index.
    .globl chorale_start_secondary
    .balign 4
chorale_start_secondary:
    csrw    sie, zero
    mv      s1, a1
    la      t0, chorale_nucleus_satp
    ld      a3, (t0)
    la      t0, secondary_virtual
    call    to_virtual
    .balign 4                           // stvec
secondary_virtual:
    sfence.vma
    csrw    sscratch, zero
    li      tp, 0
    lui     t0, %hi(early_trap)
    addi    t0, t0, %lo(early_trap)
    csrw    stvec, t0
    lui     t0, %hi(chorale_boot_stacks)
    addi    t0, t0, %lo(chorale_boot_stacks)
    slli    t1, s1, 3
    add     t0, t0, t1
    ld      sp, (t0)
    mv      a0, s1
    li      s0, 0
    call    chorale_secondary
    unimp

// A trap before this hart has its block: a line and the end.
    .balign 4
early_trap:
    csrr    a0, scause
    csrr    a1, sepc
    csrr    a2, stval
    call    chorale_early_trap
    unimp

    .data
    .balign 4
boot_has_begun:                         // not in .bss, which the boot hart clears
    .word   0

    .section .bss.page_tables, "aw", @nobits
    .balign 4096
early_table:
    .skip   4096
early_image_table:
    .skip   4096
    .bss
    .balign 16
    .globl chorale_boot_stack_bottom, chorale_boot_stack_top
chorale_boot_stack_bottom:
    .skip   16384
chorale_boot_stack_top:

    .section .note.GNU-stack, "", @progbits
