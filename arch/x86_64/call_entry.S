// The system-call entry. SYSCALL left the user's pc in rcx and flags in r11; interrupts are off; the stack is still the
// user's. Nothing may be pushed before rsp is ours; an NMI or a double fault has a stack of its own.
//
// Copies: with FSGSBASE the user can change its thread pointer, so the entries that may switch threads save it; with the
// fast path switched off messages go straight to the slow path.
#include <chorus/message_registers.h>
#include <machine/offsets.h>

#define FRAME(field) (THREAD_FRAME + FRAME_##field)
#define FIRST_BLOCK_CALL 64

.macro save_thread_pointer with_fsgsbase, thread, scratch
    .if \with_fsgsbase
        rdfsbaseq \scratch
        movq    \scratch, FRAME(FS_BASE)(\thread)
    .endif
.endm

// What the fast path keeps of the caller; then the thread goes to rcx, uiTail to r11 and the stack is the CPU's.
.macro enter_message with_fsgsbase, target
    movq    %rcx, FRAME(PC)(%rsp)
    movq    %r11, FRAME(FLAGS)(%rsp)
    movq    %rbx, FRAME(RBX)(%rsp)
    movq    %rbp, FRAME(RBP)(%rsp)
    movq    %rsp, %rcx
    movq    %gs:CPU_USER_SP, %r11
    movq    %r11, FRAME(SP)(%rcx)
    save_thread_pointer \with_fsgsbase, %rcx, %r11
    movq    %gs:CPU_STACK_TOP, %rsp
    movq    %r10, %r11
    jmp     \target
.endm

.macro scrub registers:vararg
    .irp register, \registers
        xorl \register, \register
    .endr
.endm

.macro define_call_entry name, with_fsgsbase, call_target, reply_target
    .global \name
    .type \name, @function
    .balign 64
\name:
    swapgs
    movq    %rsp, %gs:CPU_USER_SP
    movq    %gs:CPU_CURRENT, %rsp       // the thread, until the stack is needed
    cmpb    $MESSAGE_REPLY_RECEIVE, %al
    jb      .Lcall_\@
    je      .Lreply_\@
    cmpq    $FIRST_BLOCK_CALL, %rax
    jae     .Lblock_\@

    // A leaf call: a plain C function; it keeps the callee-saved registers, the rest is scrubbed.
    movq    %rcx, FRAME(PC)(%rsp)
    movq    %r11, FRAME(FLAGS)(%rsp)
    movq    %gs:CPU_STACK_TOP, %rsp
    movq    %r10, %rcx
    callq   *leaf_call_table(,%rax,8)
    cmpl    $0, %gs:CPU_PENDING
    jne     .Lpreempted_\@
    scrub   %edx, %esi, %edi, %r8d, %r9d, %r10d
    movq    %gs:CPU_CURRENT, %rsp
    movq    FRAME(PC)(%rsp), %rcx
    movq    FRAME(FLAGS)(%rsp), %r11
    movq    %gs:CPU_USER_SP, %rsp
    swapgs
    sysretq

.Lpreempted_\@:                         // a better thread became ready: the caller waits with its result
    scrub   %edx, %esi, %edi, %r8d, %r9d, %r10d
    movq    %gs:CPU_CURRENT, %rsp
    jmp     .Lsave_\@

.Lcall_\@:
    enter_message \with_fsgsbase, \call_target
.Lreply_\@:
    enter_message \with_fsgsbase, \reply_target

.Lblock_\@:
    movq    %rcx, FRAME(PC)(%rsp)
    movq    %r11, FRAME(FLAGS)(%rsp)
.Lsave_\@:
    movq    %rax, FRAME(RAX)(%rsp)
    movq    %rbx, FRAME(RBX)(%rsp)
    movq    %rbp, FRAME(RBP)(%rsp)
    movq    %rdx, FRAME(RDX)(%rsp)
    movq    %rsi, FRAME(RSI)(%rsp)
    movq    %rdi, FRAME(RDI)(%rsp)
    movq    %r8, FRAME(R8)(%rsp)
    movq    %r9, FRAME(R9)(%rsp)
    movq    %r10, FRAME(R10)(%rsp)
    movq    %r12, FRAME(R12)(%rsp)
    movq    %r13, FRAME(R13)(%rsp)
    movq    %r14, FRAME(R14)(%rsp)
    movq    %r15, FRAME(R15)(%rsp)
    movq    %gs:CPU_USER_SP, %rcx
    movq    %rcx, FRAME(SP)(%rsp)
    save_thread_pointer \with_fsgsbase, %rsp, %rcx
    movl    $EXIT_CALL, FRAME(EXIT)(%rsp)
    movq    %rsp, %rdi
    movq    %gs:CPU_STACK_TOP, %rsp
    xorl    %ebp, %ebp
    cmpl    $0, %gs:CPU_PENDING         // only a preempted leaf call comes here with work pending
    jne     chorale_leave
    callq   block_call
    ud2
    .size \name, . - \name
.endm

    .text
    define_call_entry chorale_call_entry, 0, fast_call, fast_reply_receive
    define_call_entry chorale_call_entry_fsgsbase, 1, fast_call, fast_reply_receive
    define_call_entry chorale_call_entry_slow, 0, fast_slow, fast_slow
    define_call_entry chorale_call_entry_slow_fsgsbase, 1, fast_slow, fast_slow

    .global fast_exit
    .type fast_exit, @function
    .balign 64
fast_exit:
    movq    %r11, %r10
    movzbl  %ah, %eax                   // the size, MESSAGE_SIZE_SHIFT is 8
    movq    FRAME(RBX)(%rcx), %rbx
    movq    FRAME(RBP)(%rcx), %rbp
    movq    FRAME(FLAGS)(%rcx), %r11
    movq    FRAME(SP)(%rcx), %rsp
    movq    FRAME(PC)(%rcx), %rcx
    swapgs
    sysretq
    .size fast_exit, . - fast_exit

    // Seldom, and the only place here with a stack frame: rax and the words in caller-saved registers survive a C call.
    .global fast_exit_thread_pointer
    .type fast_exit_thread_pointer, @function
fast_exit_thread_pointer:
    .irp register, rax, rdi, rsi, rdx, rcx, r8, r9, r11
        pushq   %\register
    .endr
    leaq    THREAD_FRAME(%rcx), %rdi
    callq   chorale_load_thread_pointer
    .irp register, r11, r9, r8, rcx, rdx, rsi, rdi, rax
        popq    %\register
    .endr
    jmp     fast_exit
    .size fast_exit_thread_pointer, . - fast_exit_thread_pointer

    .global fast_slow
    .type fast_slow, @function
fast_slow:
    movq    %rax, FRAME(RAX)(%rcx)
    movq    %r12, FRAME(R12)(%rcx)
    movq    %r13, FRAME(R13)(%rcx)
    movq    %r14, FRAME(R14)(%rcx)
    movq    %r15, FRAME(R15)(%rcx)
    movq    %rdi, FRAME(RDI)(%rcx)
    movq    %rsi, FRAME(RSI)(%rcx)
    movq    %rdx, FRAME(RDX)(%rcx)
    movq    %r8, FRAME(R8)(%rcx)
    movq    %r9, FRAME(R9)(%rcx)
    movq    %r11, FRAME(R10)(%rcx)
    movl    $EXIT_CALL, FRAME(EXIT)(%rcx)
    movq    %rcx, %rdi
    movq    %gs:CPU_STACK_TOP, %rsp
    xorl    %ebp, %ebp
    callq   block_call
    ud2
    .size fast_slow, . - fast_slow

    .section .note.GNU-stack, "", @progbits
