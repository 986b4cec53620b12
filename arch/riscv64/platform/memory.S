// The functions that the compiler takes for granted. Words where the alignment allows it, eight to a round.
    .text
    .balign 16
    .globl memcpy
    .type memcpy, @function
memcpy:
    mv      t0, a0
    or      t1, a0, a1
    andi    t1, t1, 7
    bnez    t1, 3f
    andi    t1, a2, -64
    beqz    t1, 2f
    add     t1, t1, a1                  // where the last round ends
    andi    a2, a2, 63
1:  .irp offset, 0, 32
        ld      a3, \offset(a1)
        ld      a4, \offset + 8(a1)
        ld      a5, \offset + 16(a1)
        ld      a6, \offset + 24(a1)
        sd      a3, \offset(t0)
        sd      a4, \offset + 8(t0)
        sd      a5, \offset + 16(t0)
        sd      a6, \offset + 24(t0)
    .endr
    addi    t0, t0, 64
    addi    a1, a1, 64
    bne     a1, t1, 1b
2:  li      t1, 8
    bltu    a2, t1, 3f
4:  ld      a3, 0(a1)
    sd      a3, 0(t0)
    addi    t0, t0, 8
    addi    a1, a1, 8
    addi    a2, a2, -8
    bgeu    a2, t1, 4b
3:  addi    a2, a2, -8                  // bytes, eight at a time where there are as many
    bltz    a2, 7f
8:  .irp offset, 0, 4
        lbu     a3, \offset(a1)
        lbu     a4, \offset + 1(a1)
        lbu     a5, \offset + 2(a1)
        lbu     a6, \offset + 3(a1)
        sb      a3, \offset(t0)
        sb      a4, \offset + 1(t0)
        sb      a5, \offset + 2(t0)
        sb      a6, \offset + 3(t0)
    .endr
    addi    t0, t0, 8
    addi    a1, a1, 8
    addi    a2, a2, -8
    bgez    a2, 8b
7:  addi    a2, a2, 8
    beqz    a2, 6f
5:  lbu     a3, 0(a1)
    sb      a3, 0(t0)
    addi    t0, t0, 1
    addi    a1, a1, 1
    addi    a2, a2, -1
    bnez    a2, 5b
6:  ret
    .size memcpy, . - memcpy

    .balign 16
    .globl memmove
    .type memmove, @function
memmove:
    sub     t0, a0, a1
    bgeu    t0, a2, memcpy              // below: the target begins inside the source
    add     t0, a0, a2
    add     t1, a1, a2
    or      a3, t0, t1
    andi    a3, a3, 7
    bnez    a3, 2f
    li      a4, 8
    j       3f
1:  addi    t0, t0, -8
    addi    t1, t1, -8
    addi    a2, a2, -8
    ld      a3, 0(t1)
    sd      a3, 0(t0)
3:  bgeu    a2, a4, 1b
2:  beqz    a2, 5f
4:  addi    t0, t0, -1
    addi    t1, t1, -1
    addi    a2, a2, -1
    lbu     a3, 0(t1)
    sb      a3, 0(t0)
    bnez    a2, 4b
5:  ret
    .size memmove, . - memmove

    .balign 16
    .globl memset
    .type memset, @function
memset:
    mv      t0, a0
    andi    a1, a1, 0xff
    slli    t1, a1, 8
    or      a1, a1, t1
    slli    t1, a1, 16
    or      a1, a1, t1
    slli    t1, a1, 32
    or      a1, a1, t1
    andi    t1, t0, 7
    bnez    t1, 3f
    addi    t1, a2, -64
    bltz    t1, 2f
1:  .irp offset, 0, 8, 16, 24, 32, 40, 48, 56
        sd      a1, \offset(t0)
    .endr
    addi    t0, t0, 64
    addi    a2, a2, -64
    addi    t1, t1, -64
    bgez    t1, 1b
2:  li      t1, 8
    j       5f
4:  sd      a1, 0(t0)
    addi    t0, t0, 8
    addi    a2, a2, -8
5:  bgeu    a2, t1, 4b
3:  beqz    a2, 7f
6:  sb      a1, 0(t0)
    addi    t0, t0, 1
    addi    a2, a2, -1
    bnez    a2, 6b
7:  ret
    .size memset, . - memset

    .balign 16
    .globl memcmp
    .type memcmp, @function
memcmp:
    beqz    a2, 2f
1:  lbu     a3, 0(a0)
    lbu     a4, 0(a1)
    bne     a3, a4, 3f
    addi    a0, a0, 1
    addi    a1, a1, 1
    addi    a2, a2, -1
    bnez    a2, 1b
2:  li      a0, 0
    ret
3:  sub     a0, a3, a4
    ret
    .size memcmp, . - memcmp

    .balign 16
    .globl strlen
    .type strlen, @function
strlen:
    mv      a1, a0
1:  lbu     a2, 0(a1)
    beqz    a2, 2f
    addi    a1, a1, 1
    j       1b
2:  sub     a0, a1, a0
    ret
    .size strlen, . - strlen

    .balign 16
    .globl strnlen
    .type strnlen, @function
strnlen:
    mv      a2, a0
    add     a1, a1, a0
1:  beq     a2, a1, 2f
    lbu     a3, 0(a2)
    beqz    a3, 2f
    addi    a2, a2, 1
    j       1b
2:  sub     a0, a2, a0
    ret
    .size strnlen, . - strnlen

    .balign 16
    .globl memchr
    .type memchr, @function
memchr:
    andi    a1, a1, 0xff
1:  beqz    a2, 2f
    lbu     a3, 0(a0)
    beq     a3, a1, 3f
    addi    a0, a0, 1
    addi    a2, a2, -1
    j       1b
2:  li      a0, 0
3:  ret
    .size memchr, . - memchr

    .balign 16
    .globl strrchr
    .type strrchr, @function
strrchr:
    andi    a1, a1, 0xff
    mv      a2, a0
    li      a0, 0
1:  lbu     a3, 0(a2)
    bne     a3, a1, 2f
    mv      a0, a2
2:  addi    a2, a2, 1
    bnez    a3, 1b
    ret
    .size strrchr, . - strrchr

    .section .note.GNU-stack, "", @progbits
