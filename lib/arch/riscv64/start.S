/* Where actors and threads begin. The nucleus starts both with every register 0 but the stack pointer. gp
 * stays 0: nothing is addressed from it. */

    .section .text._start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    andi    sp, sp, -16
    call    actor_start
    unimp
    .size _start, . - _start

/* A thread of thread.cpp: on its stack lie the function and its argument, 16 bytes aligned. */
    .section .text.thread_start, "ax", @progbits
    .globl thread_start
    .type thread_start, @function
thread_start:
    ld      t0, 0(sp)
    ld      a0, 8(sp)
    addi    sp, sp, 16
    jalr    t0
    call    thread_exit
    unimp
    .size thread_start, . - thread_start

    .section .note.GNU-stack, "", @progbits
