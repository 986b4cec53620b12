// Calls a handler so that the call can be given up: what C keeps is on the stack, and where that is goes to
// *resume. To fail, the thread goes on at chorale_lap_failed with that stack.
#define KEPT_SIZE 112

    .text
    .balign 4
    .globl chorale_lap_call
    .type chorale_lap_call, @function
chorale_lap_call: // a0: handler, a1: argument, a2: cookie, a3: resume
    addi    sp, sp, -KEPT_SIZE
    sd      ra, 0(sp)
    sd      s0, 8(sp)
    sd      s1, 16(sp)
    sd      s2, 24(sp)
    sd      s3, 32(sp)
    sd      s4, 40(sp)
    sd      s5, 48(sp)
    sd      s6, 56(sp)
    sd      s7, 64(sp)
    sd      s8, 72(sp)
    sd      s9, 80(sp)
    sd      s10, 88(sp)
    sd      s11, 96(sp)
    sd      sp, 0(a3)
    mv      t0, a0
    mv      a0, a1
    mv      a1, a2
    jalr    t0
    li      a0, 0
1:
    ld      ra, 0(sp)
    ld      s0, 8(sp)
    ld      s1, 16(sp)
    ld      s2, 24(sp)
    ld      s3, 32(sp)
    ld      s4, 40(sp)
    ld      s5, 48(sp)
    ld      s6, 56(sp)
    ld      s7, 64(sp)
    ld      s8, 72(sp)
    ld      s9, 80(sp)
    ld      s10, 88(sp)
    ld      s11, 96(sp)
    addi    sp, sp, KEPT_SIZE
    ret
    .globl chorale_lap_failed
chorale_lap_failed:
    li      a0, 1
    j       1b
    .size chorale_lap_call, . - chorale_lap_call

    .section .note.GNU-stack, "", @progbits
