/* Where actors and threads begin. The nucleus starts both with every register 0 but the stack pointer. */

    .section .text._start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    andq $-16, %rsp
    xorl %ebp, %ebp
    call actor_start
    ud2
    .size _start, . - _start

/* A thread of thread.cpp: on its stack lie the function and its argument, 16 bytes aligned. */
    .section .text.thread_start, "ax", @progbits
    .globl thread_start
    .type thread_start, @function
thread_start:
    popq %rax
    popq %rdi
    xorl %ebp, %ebp
    call *%rax
    call thread_exit
    ud2
    .size thread_start, . - thread_start

    .section .note.GNU-stack, "", @progbits
