// The system-call entry. SYSCALL left the user's pc in rcx and flags in r11; interrupts are off; the stack is
// still the user's. Nothing may be pushed before rsp is ours; an NMI or a double fault has a stack of its
// own.
//
// Copies: with FSGSBASE the user can change its thread pointer, so the entries that may switch threads save
// it; with the fast path switched off messages go straight to the slow path. A trace has an entry before
// that.
#include <chorus/message_registers.h>
#include <machine/asm.h>
#include <machine/entry.h>

.macro save_thread_pointer with_fsgsbase, thread, scratch
    .if \with_fsgsbase
        rdfsbaseq \scratch
        movq    \scratch, FRAME(FS_BASE)(\thread)
    .endif
.endm

// What the fast path keeps of the caller; then the thread goes to rcx, uiTail to r11 and the stack is the
// CPU's.
.macro enter_message with_fsgsbase, target
    movq    %rcx, FRAME(PC)(%rsp)
    movq    %r11, FRAME(FLAGS)(%rsp)
    movq    %rbx, FRAME(RBX)(%rsp)
    movq    %rbp, FRAME(RBP)(%rsp)
    movq    %rsp, %rcx
    movq    %gs:CPU_SCRATCH, %r11
    movq    %r11, FRAME(SP)(%rcx)
    save_thread_pointer \with_fsgsbase, %rcx, %r11
    movq    %gs:CPU_STACK_TOP, %rsp
    movq    %r10, %r11
    jmp     \target
.endm

// With the thread in rsp. The other registers in the frame are this thread's own of some time ago: no secret
// of others.
.macro save_callee_saved with_fsgsbase
    save_kept %rsp
    movq    %gs:CPU_SCRATCH, %rbp
    movq    %rbp, FRAME(SP)(%rsp)
    save_thread_pointer \with_fsgsbase, %rsp, %rbp
    movl    $EXIT_CALL, FRAME(EXIT)(%rsp)
    xorl    %ebp, %ebp
.endm

.macro scrub registers:vararg
    .irp register, \registers
        xorl \register, \register
    .endr
.endm

.macro define_call_entry name, with_fsgsbase, call_target, reply_target, foreign_target
    .global \name
    .type \name, @function
    .balign 64
\name:
    swapgs
    movq    %rsp, %gs:CPU_SCRATCH
    movq    %gs:CPU_CURRENT, %rsp       // the thread, until the stack is needed
    cmpl    $MESSAGE_CALL_NUMBER, %eax   // signed and unsigned: two borders on the circle of numbers
    jge     .Lcall_\@
    jae     .Lreply_\@
    subq    $CHORUS_CALL_BASE, %rax     // all of it: above the number may stand a port
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
    movq    %gs:CPU_SCRATCH, %rsp
    swapgs
    sysretq

.Lpreempted_\@:                         // a better thread became ready: the caller waits with its result
    movq    %gs:CPU_CURRENT, %rsp
    movq    %rax, FRAME(RAX)(%rsp)
    save_callee_saved \with_fsgsbase
    movq    %gs:CPU_STACK_TOP, %rsp
    jmp     chorale_leave

.Lcall_\@:
    enter_message \with_fsgsbase, \call_target
.Lreply_\@:
    enter_message \with_fsgsbase, \reply_target

    // May block: what C keeps is saved, the arguments stay in their registers.
.Lblock_\@:
    testl   %eax, %eax                  // not rax: see above
    js      .Lforeign_\@                // below the nucleus's numbers
    cmpb    $MESSAGE_RECEIVE, %al
    jle     .Lmessage_\@                // it or MESSAGE_SEND: the two least of all signed bytes
    movq    %rcx, FRAME(PC)(%rsp)
    movq    %r11, FRAME(FLAGS)(%rsp)
    movq    %rax, FRAME(RAX)(%rsp)
    movq    %r10, FRAME(R10)(%rsp)      // a call's fourth argument: ipcCallMessage comes back to it
    save_callee_saved \with_fsgsbase
    movq    %rsp, %rbx
    movq    %gs:CPU_STACK_TOP, %rsp
    movq    %r10, %rcx
    cmpq    $CALL_LIMIT, %rax
    jae     .Lno_call_\@
.Lrun_\@:
    run_block_call
.Lno_call_\@:
    xorl    %eax, %eax                  // an entry that answers what every unknown number is answered
    jmp     .Lrun_\@

.Lmessage_\@:
    enter_message \with_fsgsbase, fast_slow

.Lforeign_\@:                           // somebody else's system call: all registers are kept
    addq    $CHORUS_CALL_BASE, %rax
    jmp     \foreign_target
    .size \name, . - \name
.endm

    .text
    define_call_entry chorale_call_entry, 0, fast_call, fast_reply_receive, direct_trap
    define_call_entry chorale_call_entry_fsgsbase, 1, fast_call, fast_reply_receive, direct_trap
    define_call_entry chorale_call_entry_slow, 0, fast_slow, fast_slow, foreign_call
    define_call_entry chorale_call_entry_slow_fsgsbase, 1, fast_slow, fast_slow, foreign_call

    // While a trace runs: every register as it comes, then the general way.
    .global chorale_call_entry_traced
    .type chorale_call_entry_traced, @function
    .balign 16
chorale_call_entry_traced:
    swapgs
    movq    %rsp, %gs:CPU_SCRATCH
    movq    %gs:CPU_STACK_TOP, %rsp
    .irp register, rbp, r11, rcx, rax, r9, r8, r10, rdx, rsi, rdi
        pushq   %\register
    .endr
    xorl    %ebp, %ebp
    movq    %rsp, %rdi
    callq   chorale_traced_call
    .irp register, rdi, rsi, rdx, r10, r8, r9, rax, rcx, r11, rbp
        popq    %\register
    .endr
    movq    %gs:CPU_SCRATCH, %rsp
    swapgs
    jmpq    *chorale_untraced_entry
    .size chorale_call_entry_traced, . - chorale_call_entry_traced

    // With the thread in rsp. What SYSCALL has overwritten goes back to the user as SYSCALL left it.
    .globl foreign_call
    .type foreign_call, @function
foreign_call:
    movq    %rax, FRAME(RAX)(%rsp)
    movq    %rcx, FRAME(PC)(%rsp)
    movq    %rcx, FRAME(RCX)(%rsp)
    movq    %r11, FRAME(FLAGS)(%rsp)
    movq    %r11, FRAME(R11)(%rsp)
    save_kept %rsp
    save_message %rsp, %r10
    movq    %gs:CPU_SCRATCH, %rcx
    movq    %rcx, FRAME(SP)(%rsp)
    ALTERNATIVE PATCH_FSGSBASE, QUOTED(movq FRAME(FS_BASE)(%rsp), %rcx), "rdfsbase %rcx"
    movq    %rcx, FRAME(FS_BASE)(%rsp)
    movl    $EXIT_INTERRUPT, FRAME(EXIT)(%rsp)
    movq    %gs:CPU_STACK_TOP, %rsp
    xorl    %ebp, %ebp
    call    chorale_foreign_call
    ud2
    .size foreign_call, . - foreign_call

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

    // Seldom, and the only place here with a stack frame: rax and the words in caller-saved registers survive
    // a C call.
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
    save_message %rcx, %r11
    movl    $EXIT_CALL, FRAME(EXIT)(%rcx)
    movq    %rcx, %r12
    movq    %gs:CPU_STACK_TOP, %rsp
    xorl    %ebp, %ebp
    jmp     message_call_entry
    .size fast_slow, . - fast_slow

    .section .note.GNU-stack, "", @progbits
