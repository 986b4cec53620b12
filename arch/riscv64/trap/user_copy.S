// u64 chorale_copy_user(void* to, const void* from, size_t bytes): 0 when all was copied. One side is user
// memory, the other the nucleus's; the user side may fault, then the copy ends. Words where both sides allow
// it: a load or store across a word's boundary may be emulated by firmware, at some hundred times the cost.
#include <machine/asm.h>

    .text
    .balign 64
    .globl chorale_copy_user
    .type chorale_copy_user, @function
chorale_copy_user:
    csrr    a6, sepc                    // a fault overwrites it, and the way back to the user goes by it
    li      t0, SSTATUS_SUM
    csrs    sstatus, t0
    or      t1, a0, a1
    andi    t1, t1, 7
    bnez    t1, bytes
    andi    t1, a2, -64
    beqz    t1, words
    add     t1, t1, a1                  // where the last line ends
    andi    a2, a2, 63
next_line:                              // 64 bytes at a time
    .irp offset, 0, 32
        MAY_FAULT(copy_failed, ld a3, \offset(a1))
        MAY_FAULT(copy_failed, ld a4, \offset + 8(a1))
        MAY_FAULT(copy_failed, ld a5, \offset + 16(a1))
        MAY_FAULT(copy_failed, ld t0, \offset + 24(a1))
        MAY_FAULT(copy_failed, sd a3, \offset(a0))
        MAY_FAULT(copy_failed, sd a4, \offset + 8(a0))
        MAY_FAULT(copy_failed, sd a5, \offset + 16(a0))
        MAY_FAULT(copy_failed, sd t0, \offset + 24(a0))
    .endr
    addi    a0, a0, 64
    addi    a1, a1, 64
    bne     a1, t1, next_line
words:
    li      t1, 8
    bltu    a2, t1, bytes
next_word:
    MAY_FAULT(copy_failed, ld a3, 0(a1))
    MAY_FAULT(copy_failed, sd a3, 0(a0))
    addi    a0, a0, 8
    addi    a1, a1, 8
    addi    a2, a2, -8
    bgeu    a2, t1, next_word
bytes:
    addi    a2, a2, -8                  // eight at a time where there are as many
    bltz    a2, last_bytes
next_eight:
    .irp offset, 0, 3
        MAY_FAULT(copy_failed, lbu a3, \offset(a1))
        MAY_FAULT(copy_failed, lbu a4, \offset + 1(a1))
        MAY_FAULT(copy_failed, lbu a5, \offset + 2(a1))
        MAY_FAULT(copy_failed, sb a3, \offset(a0))
        MAY_FAULT(copy_failed, sb a4, \offset + 1(a0))
        MAY_FAULT(copy_failed, sb a5, \offset + 2(a0))
    .endr
    MAY_FAULT(copy_failed, lbu a3, 6(a1))
    MAY_FAULT(copy_failed, lbu a4, 7(a1))
    MAY_FAULT(copy_failed, sb a3, 6(a0))
    MAY_FAULT(copy_failed, sb a4, 7(a0))
    addi    a0, a0, 8
    addi    a1, a1, 8
    addi    a2, a2, -8
    bgez    a2, next_eight
last_bytes:
    addi    a2, a2, 8
    beqz    a2, done
next_byte:
    MAY_FAULT(copy_failed, lbu a3, 0(a1))
    MAY_FAULT(copy_failed, sb a3, 0(a0))
    addi    a0, a0, 1
    addi    a1, a1, 1
    addi    a2, a2, -1
    bnez    a2, next_byte
done:
    li      t0, SSTATUS_SUM
    csrc    sstatus, t0
    csrw    sepc, a6
    li      a0, 0
    ret
copy_failed:
    li      t0, SSTATUS_SUM
    csrc    sstatus, t0
    csrw    sepc, a6
    li      a0, 1
    ret
    .size chorale_copy_user, . - chorale_copy_user

    .section .note.GNU-stack, "", @progbits
