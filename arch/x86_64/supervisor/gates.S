// The gates: what the nucleus-call symbols of a supervisor actor's image lead to. One for each number of the
// call list, 8 bytes apart: they load a byte, which is extended behind them. The caller is a C function on a
// stack in the supervisor range; it loses what the C calling convention lets a callee change.
//
// Interrupts are off between the first CLI and the end: so whoever is in here is in the nucleus. A caller
// that had them off keeps them off, and is not preempted: what waits is done at its next call or interrupt.
#include <machine/entry.h>

#define INTERRUPTS_ON 0x200

    .text
    .balign 64
    .globl chorale_call_gates
chorale_call_gates:
    .set gate_number, 0
    .rept CALL_LIMIT
    .balign 8
    .if gate_number < FIRST_LEAF_CALL
    jmp     message_gate
    .elseif gate_number < FIRST_BLOCK_CALL
    movb    $gate_number, %al
    jmp     leaf_gate
    .else
    movb    $gate_number, %al
    jmp     block_gate
    .endif
    .set gate_number, gate_number + 1
    .endr

// From interrupt level (kernel/interrupt/level.hpp), which is on the nucleus's stack: a call of the handler.
interrupt_gate:
    jmp     *interrupt_call_table(,%rax,8)

.macro at_interrupt_level to
    btq     $NUCLEUS_STACK_BIT, %rsp
    jc      \to
.endm

    .balign 64
leaf_gate:
    movzbl  %al, %eax
    at_interrupt_level interrupt_gate
    pushfq
    cli
    movq    %rsp, %r11
    movq    %gs:CPU_STACK_TOP, %rsp
    pushq   %r11
    pushq   %r11                        // twice: the handler's stack is 16-aligned
    callq   *leaf_call_table(,%rax,8)
    popq    %r11
    movq    %r11, %rsp
    testl   $INTERRUPTS_ON, (%rsp)
    jz      1f
    cmpl    $0, %gs:CPU_PENDING
    jne     preempted
    sti
1:  leaq    8(%rsp), %rsp
    ret

// While a trace runs: in the tables instead of each call, with the call's number in rax.
    .globl chorale_gate_wrapper
chorale_gate_wrapper:
    pushq   %rax
    callq   chorale_traced_gate
    popq    %rcx
    ret

preempted:                              // a better thread became ready: the caller waits with its result
    movq    %gs:CPU_CURRENT, %r11
    movq    %rax, FRAME(RAX)(%r11)
    popq    FRAME(FLAGS)(%r11)
    popq    FRAME(PC)(%r11)
    movq    %rsp, FRAME(SP)(%r11)
    call    save_caller
    movq    %gs:CPU_STACK_TOP, %rsp
    jmp     chorale_leave

// The thread goes to r11; where its caller goes on, to its frame.
.macro enter_thread
    pushfq
    cli
    movq    %gs:CPU_CURRENT, %r11
    popq    FRAME(FLAGS)(%r11)
    popq    FRAME(PC)(%r11)
    movq    %rsp, FRAME(SP)(%r11)
    movq    %gs:CPU_STACK_TOP, %rsp
.endm

block_gate:
    movzbl  %al, %eax
    at_interrupt_level interrupt_gate
    enter_thread
    movq    %rax, FRAME(RAX)(%r11)
    movq    %rcx, FRAME(R10)(%r11)      // a call's fourth argument, where user mode has it
    call    save_caller
    movq    %r11, %rbx
    run_block_call

// A message in the register convention (chorus/message_registers.h): what a user's SYSCALL would bring, on
// the way that has the full semantics.
message_gate:
    at_interrupt_level not_at_interrupt_level
    enter_thread
    movq    %rax, FRAME(RAX)(%r11)
    save_message %r11, %r10
    call    save_caller
    movq    %r11, %r12                  // where message_call_entry() takes its argument
    jmp     message_call_entry

// Where handlers return to (kernel/supervisor/handler.cpp): what they kept is in the record.
    .globl chorale_handler_return
chorale_handler_return:
    cli
    movq    %gs:CPU_STACK_TOP, %rsp
    movq    %rax, %r12                  // where handler_returned() takes its argument
    xorl    %ebp, %ebp
    call    handler_returned
    ud2

// The registers that a C function keeps go to the frame of the thread in r11.
save_caller:
    save_kept %r11
    movl    $EXIT_SUPERVISOR, FRAME(EXIT)(%r11)
    xorl    %ebp, %ebp
    ret

    .section .note.GNU-stack, "", @progbits
