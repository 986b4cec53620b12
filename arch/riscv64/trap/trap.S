// Interrupts and exceptions, after chorale_trap_entry (call_entry.S) has told where they came from. From user
// mode: all registers go to the current thread's Frame, then C++ runs on the CPU's stack and never returns
// here. From a supervisor thread: the same; its stack lies in the supervisor range, while the nucleus's do
// not. From the nucleus: registers go to the stack, and it goes on where it was. When that stack has run into
// the unmapped space below it, the emergency stack takes the report.
//
// In the nucleus SPP is 0, but while a trap from itself is handled: an exit to user mode need not clear it.
#include <machine/asm.h>
#include <machine/entry.h>

// The interrupted thread is \thread; its t0 is in the CPU's scratch.
.macro save_all_but thread
    sd      ra, FRAME(RA)(\thread)
    sd      sp, FRAME(SP)(\thread)
    sd      gp, FRAME(GP)(\thread)
    sd      s0, FRAME(S0)(\thread)
    sd      a0, FRAME(A0)(\thread)
    sd      a1, FRAME(A1)(\thread)
    sd      a2, FRAME(A2)(\thread)
    sd      a3, FRAME(A3)(\thread)
    sd      a4, FRAME(A4)(\thread)
    sd      a5, FRAME(A5)(\thread)
    sd      a6, FRAME(A6)(\thread)
    sd      a7, FRAME(A7)(\thread)
    sd      t1, FRAME(T1)(\thread)
    sd      t2, FRAME(T2)(\thread)
    sd      t3, FRAME(T3)(\thread)
    sd      t4, FRAME(T4)(\thread)
    sd      t5, FRAME(T5)(\thread)
    sd      t6, FRAME(T6)(\thread)
    sd      s1, FRAME(S1)(\thread)
    save_kept \thread
.endm

    .text
    .balign 4
    .globl chorale_trap_outside
    .type chorale_trap_outside, @function
chorale_trap_outside: // t0: cause; tp: block; the user's t0 in its scratch, the user's tp in sscratch
    ld      t0, CPU_CURRENT(tp)
    save_all_but t0
    csrrw   t1, sscratch, zero
    sd      t1, FRAME(TP)(t0)
enter_nucleus:                          // t0: the thread
    ld      t1, CPU_SCRATCH(tp)
    sd      t1, FRAME(T0)(t0)
    csrr    t1, sepc
    sd      t1, FRAME(PC)(t0)
    csrr    t1, scause
    sd      t1, FRAME(CAUSE)(t0)
    csrr    t1, stval
    sd      t1, FRAME(VALUE)(t0)
    ld      sp, CPU_STACK_TOP(tp)
    addi    a0, t0, THREAD_FRAME
    li      s0, 0
    call    chorale_trap_from_user
    unimp
    .size chorale_trap_outside, . - chorale_trap_outside

    .globl chorale_trap_inside
    .type chorale_trap_inside, @function
chorale_trap_inside: // tp is 0, sscratch the block
    csrrw   tp, sscratch, zero
    csrw    sscratch, sp
    srli    sp, sp, NUCLEUS_STACK_BIT
    andi    sp, sp, 1
    beqz    sp, from_supervisor
    csrr    sp, sscratch
    srli    sp, sp, MAIN_STACK_BIT
    andi    sp, sp, 1
    beqz    sp, stack_overflow
    csrrw   sp, sscratch, zero
    addi    sp, sp, -TRAP_SIZE
    sd      t0, 8 * 5(sp)
    csrr    t0, scause
    bltz    t0, interrupted
    addi    t0, sp, TRAP_SIZE
    sd      t0, 8 * 2(sp)
save_nucleus:
    .irp number, 1, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, \
                 27, 28, 29, 30, 31
        sd      x\number, 8 * \number(sp)
    .endr
    csrr    t0, sepc
    sd      t0, TRAP_PC(sp)
    csrr    t0, sstatus
    sd      t0, TRAP_STATUS(sp)
    csrr    t0, scause
    sd      t0, TRAP_CAUSE(sp)
    csrr    t0, stval
    sd      t0, TRAP_VALUE(sp)
    mv      a0, sp
    call    chorale_trap_from_nucleus
    ld      t0, TRAP_PC(sp)
    csrw    sepc, t0
    .irp number, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, \
                 27, 28, 29, 30, 31
        ld      x\number, 8 * \number(sp)
    .endr
    ld      sp, 8 * 2(sp)
    sret

// A preemption point. What C++ functions keep by themselves, and what the nucleus never touches (t2 to t6),
// stays where it is.
interrupted:
    .irp number, 1, 6, 10, 11, 12, 13, 14, 15, 16, 17
        sd      x\number, 8 * \number(sp)
    .endr
    csrr    t1, sepc
    sd      t1, TRAP_PC(sp)
    mv      a0, t0
    call    chorale_interrupted
    ld      t1, TRAP_PC(sp)
    csrw    sepc, t1
    .irp number, 1, 5, 6, 10, 11, 12, 13, 14, 15, 16, 17
        ld      x\number, 8 * \number(sp)
    .endr
    addi    sp, sp, TRAP_SIZE
    sret

from_supervisor:
    sd      t0, CPU_SCRATCH(tp)
    csrrw   sp, sscratch, zero
    ld      t0, CPU_CURRENT(tp)
    save_all_but t0
    li      t1, SSTATUS_SPP | SSTATUS_SUM
    csrrc   t1, sstatus, t1
    li      t2, SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_SUM
    and     t1, t1, t2
    sd      t1, FRAME(MODE)(t0)
    j       enter_nucleus

// The handler ends in a panic: nothing has to come back from here.
stack_overflow:
    ld      sp, CPU_STACK_TOP(tp)
    srli    sp, sp, STACK_SLOT_BITS
    slli    sp, sp, STACK_SLOT_BITS     // the emergency stack ends where the slot begins
    addi    sp, sp, -TRAP_SIZE
    sd      t0, 8 * 5(sp)
    csrrw   t0, sscratch, zero
    sd      t0, 8 * 2(sp)
    j       save_nucleus
    .size chorale_trap_inside, . - chorale_trap_inside

    .section .note.GNU-stack, "", @progbits
