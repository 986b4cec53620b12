// The gates: what the nucleus-call symbols of a supervisor actor's image lead to. One for each number of the
// call list, 8 bytes apart. The caller is a C function on a stack in the supervisor range; it loses what the
// C calling convention lets a callee change.
//
// Interrupts are off between the first instruction and the end: so whoever is in here is in the nucleus. A
// caller that had them off keeps them off, and is not preempted: what waits is done at its next call or
// interrupt.
#include <machine/asm.h>
#include <machine/entry.h>

#define LEAF_STATUS LEAF_TP // a gate has no thread pointer to keep
#define SIE_TO_SPIE 4       // SSTATUS_SPIE is SSTATUS_SIE shifted by that

    .text
    .balign 64
    .globl chorale_call_gates
chorale_call_gates:
    .option push
    .option norvc
    .set gate_number, 0
    .rept CALL_LIMIT
    li      a7, gate_number
    .if gate_number < FIRST_LEAF_CALL
    j       message_gate
    .elseif gate_number < FIRST_BLOCK_CALL
    j       leaf_gate
    .else
    j       block_gate
    .endif
    .set gate_number, gate_number + 1
    .endr
    .option pop

// The caller's mode goes to the frame of \thread; \status: sstatus from before. t1 is lost.
.macro save_mode thread, status
    andi    t1, \status, SSTATUS_SIE
    slli    t1, t1, SIE_TO_SPIE
    ori     t1, t1, SSTATUS_SPP
    sd      t1, FRAME(MODE)(\thread)
.endm

// What C keeps, with the return address as the place to go on.
.macro save_caller thread
    sd      ra, FRAME(PC)(\thread)
    sd      gp, FRAME(GP)(\thread)
    sd      s0, FRAME(S0)(\thread)
    sd      s1, FRAME(S1)(\thread)
    save_kept \thread
.endm

// From interrupt level (kernel/interrupt/level.hpp), which is on the nucleus's stack: a call of the handler.
interrupt_gate:
    find_call interrupt_call_table
    jr      t1
refuse_message:
    j       not_at_interrupt_level

// While a trace runs: in the tables instead of each call, with the call's number in the low byte of a7.
    .globl chorale_gate_wrapper
chorale_gate_wrapper:
    mv      a6, a7
    j       chorale_traced_gate

.macro at_interrupt_level to
    srli    t0, sp, NUCLEUS_STACK_BIT
    andi    t0, t0, 1
    bnez    t0, \to
.endm

    .balign 64
leaf_gate:
    at_interrupt_level interrupt_gate
    csrrci  t0, sstatus, SSTATUS_SIE
    mv      t1, sp
    ld      sp, CPU_STACK_TOP(tp)
    sd      t0, LEAF_STATUS(sp)
    sd      t1, LEAF_SP(sp)
    sd      ra, LEAF_RA(sp)
    find_call leaf_call_table
    jalr    t1
    ld      t0, LEAF_STATUS(sp)
    ld      ra, LEAF_RA(sp)
    ld      sp, LEAF_SP(sp)
    lw      t1, CPU_PENDING(tp)
    andi    t2, t0, SSTATUS_SIE
    beqz    t2, 1f
    bnez    t1, preempted
    csrsi   sstatus, SSTATUS_SIE
1:  ret

preempted:                              // a better thread became ready: the caller waits with its result
    ld      t2, CPU_CURRENT(tp)
    sd      a0, FRAME(A0)(t2)
    sd      sp, FRAME(SP)(t2)
    save_mode t2, t0
    save_caller t2
    ld      sp, CPU_STACK_TOP(tp)
    li      s0, 0
    j       chorale_leave

block_gate:
    at_interrupt_level interrupt_gate
    csrrci  t0, sstatus, SSTATUS_SIE
    ld      t2, CPU_CURRENT(tp)
    sd      sp, FRAME(SP)(t2)
    save_mode t2, t0
    save_caller t2
    slli    t1, a7, MESSAGE_NUMBER_SHIFT
    sd      t1, FRAME(CONTROL)(t2)
    sd      a3, FRAME(A3)(t2)           // a call's fourth argument
    run_block_call t2

// A message in the register convention (chorus/message_registers.h): what a user's ECALL would bring, on the
// way that has the full semantics.
message_gate:
    at_interrupt_level refuse_message
    csrrci  t0, sstatus, SSTATUS_SIE
    ld      a0, CPU_CURRENT(tp)
    sd      sp, FRAME(SP)(a0)
    save_mode a0, t0
    save_caller a0
    save_message a0
    run_message

// Where handlers return to (kernel/supervisor/handler.cpp): what they kept is in the record.
    .globl chorale_handler_return
chorale_handler_return:
    csrci   sstatus, SSTATUS_SIE
    ld      sp, CPU_STACK_TOP(tp)
    li      s0, 0
    call    handler_returned
    unimp

    .section .note.GNU-stack, "", @progbits
