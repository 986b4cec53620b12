/* For assembly: what the ways into the nucleus have in common, from user mode (call_entry.S, trap/trap.S) and
 * from supervisor actors (supervisor/gates.S). Threads are named by the register that points to them. */
#pragma once

#include <machine/offsets.h>

#define FRAME(field) (THREAD_FRAME + FRAME_##field)
#define FIRST_LEAF_CALL 2
#define FIRST_BLOCK_CALL 128
#define CALL_LIMIT 256

/* What C functions keep by themselves. */
.macro save_kept thread
    movq    %rbx, FRAME(RBX)(\thread)
    movq    %rbp, FRAME(RBP)(\thread)
    movq    %r12, FRAME(R12)(\thread)
    movq    %r13, FRAME(R13)(\thread)
    movq    %r14, FRAME(R14)(\thread)
    movq    %r15, FRAME(R15)(\thread)
.endm

/* A message but for rax; \tail: where the port's uiTail is. */
.macro save_message thread, tail
    movq    %rdi, FRAME(RDI)(\thread)
    movq    %rsi, FRAME(RSI)(\thread)
    movq    %rdx, FRAME(RDX)(\thread)
    movq    %r8, FRAME(R8)(\thread)
    movq    %r9, FRAME(R9)(\thread)
    movq    \tail, FRAME(R10)(\thread)
.endm

/* The call rax, with its arguments in their registers, of the thread in rbx. */
.macro run_block_call
    callq   *block_call_table(,%rax,8)
    movq    %rax, %r12                  // where block_return() takes its arguments
    movq    %rbx, %r13
    jmp     block_return
.endm
