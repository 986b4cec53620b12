// The ways out: to user or supervisor mode with a thread's frame, and back to the start of the CPU's stack.
#include <machine/asm.h>
#include <machine/offsets.h>

    .text
    .balign 64
    .globl chorale_resume
    .type chorale_resume, @function
chorale_resume: // a0: frame, a1: root
    ld      t0, CPU_SPACE_ROOT(tp)
    beq     t0, a1, 1f
    sd      a1, CPU_SPACE_ROOT(tp)
    csrw    satp, a1
    PATCHED_FLUSH
1:  ld      t0, FRAME_PC(a0)
    bltz    t0, outside
go_on:
    // Ends a reservation that an interrupted LR left: another thread's must not make this one's SC succeed. A
    // message call needs no such thing: a program that makes one between LR and SC has lost its reservation.
    sc.d    zero, t0, FRAME_PC(a0)
    csrw    sepc, t0
    csrw    sscratch, tp
load_all:
    ld      ra, FRAME_RA(a0)
    ld      sp, FRAME_SP(a0)
    ld      gp, FRAME_GP(a0)
    ld      s0, FRAME_S0(a0)
    ld      a1, FRAME_A1(a0)
    ld      a2, FRAME_A2(a0)
    ld      a3, FRAME_A3(a0)
    ld      a4, FRAME_A4(a0)
    ld      a5, FRAME_A5(a0)
    ld      a6, FRAME_A6(a0)
    ld      a7, FRAME_A7(a0)
    ld      t1, FRAME_T1(a0)
    ld      t2, FRAME_T2(a0)
    ld      t3, FRAME_T3(a0)
    ld      t4, FRAME_T4(a0)
    ld      t5, FRAME_T5(a0)
    ld      t6, FRAME_T6(a0)
    ld      s1, FRAME_S1(a0)
    ld      s2, FRAME_S2(a0)
    ld      s3, FRAME_S3(a0)
    ld      s4, FRAME_S4(a0)
    ld      s5, FRAME_S5(a0)
    ld      s6, FRAME_S6(a0)
    ld      s7, FRAME_S7(a0)
    ld      s8, FRAME_S8(a0)
    ld      s9, FRAME_S9(a0)
    ld      s10, FRAME_S10(a0)
    ld      s11, FRAME_S11(a0)
    ld      tp, FRAME_TP(a0)
    ld      t0, FRAME_T0(a0)
    ld      a0, FRAME_A0(a0)
    sret

// The address of a supervisor thread; or of a user's that is about to fault.
outside:
    ld      t1, FRAME_MODE(a0)
    beqz    t1, go_on
    li      t2, SSTATUS_SPIE
    csrc    sstatus, t2
    csrs    sstatus, t1
    csrw    sepc, t0
    sc.d    zero, t0, FRAME_PC(a0)      // as above
    csrw    sscratch, zero
    sd      tp, FRAME_TP(a0)            // this CPU's block, wherever the thread was before
    j       load_all
    .size chorale_resume, . - chorale_resume

    .globl chorale_on_cpu_stack
    .type chorale_on_cpu_stack, @function
chorale_on_cpu_stack: // a0: where to go on
    ld      sp, CPU_STACK_TOP(tp)
    li      s0, 0
    jalr    a0
    unimp
    .size chorale_on_cpu_stack, . - chorale_on_cpu_stack

    .section .note.GNU-stack, "", @progbits
