// Calls a handler so that the call can be given up: what C keeps is on the stack, and where that is goes to
// *resume. To fail, the thread goes on at chorale_lap_failed with that stack.
    .text
    .balign 16
    .globl chorale_lap_call
    .type chorale_lap_call, @function
chorale_lap_call: // rdi: handler, rsi: argument, rdx: cookie, rcx: resume
    pushq   %rbx
    pushq   %rbp
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    pushq   %rcx                        // for the alignment
    movq    %rsp, (%rcx)
    movq    %rdi, %rax
    movq    %rsi, %rdi
    movq    %rdx, %rsi
    callq   *%rax
    xorl    %eax, %eax
1:  popq    %rcx
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbp
    popq    %rbx
    ret
    .globl chorale_lap_failed
chorale_lap_failed:
    movl    $1, %eax
    jmp     1b
    .size chorale_lap_call, . - chorale_lap_call

    .section .note.GNU-stack, "", @progbits
