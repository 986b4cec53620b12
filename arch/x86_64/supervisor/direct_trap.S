// System calls that are not the nucleus's, to the LAP that handles them and back: the quick way, which
// kernel/lap/direct_trap.hpp tells of. On the system stack, from high to low:
//
//     HandlerRecord
//     DirectCall          <- Invocations::frames
//     the handler's frames
//
// Context: interrupts are off but for the handler. Of the record all stays as the slow way has left it but
// the registers, resultOnly, and what the handler changes.
#include <machine/asm.h>
#include <machine/entry.h>

#define RECORD_PLACE DIRECT_SIZE // from the stack pointer

    .text
    .balign 64
    .globl direct_trap
    .type direct_trap, @function
direct_trap: // rsp: the thread; the user's sp in the CPU's scratch
    testl   $-1 << STATE_SHIFT, THREAD_STATE(%rsp)
    jnz     foreign_call
    movq    THREAD_DIRECT(%rsp), %rsp   // the record
    testq   %rsp, %rsp
    jz      .Lnot_prepared
    movq    %rcx, FRAME_PC(%rsp)
    movq    %rcx, FRAME_RCX(%rsp)
    movq    %r11, FRAME_FLAGS(%rsp)
    movq    %r11, FRAME_R11(%rsp)
    movq    %rax, FRAME_RAX(%rsp)
    movq    %rdx, FRAME_RDX(%rsp)
    movq    %rsi, FRAME_RSI(%rsp)
    movq    %rdi, FRAME_RDI(%rsp)
    movq    %r8, FRAME_R8(%rsp)
    movq    %r9, FRAME_R9(%rsp)
    movq    %r10, FRAME_R10(%rsp)
    movq    %gs:CPU_SCRATCH, %rcx
    movq    %gs:CPU_CURRENT, %rdx
    movq    %rcx, FRAME_SP(%rsp)
    subq    $RECORD_PLACE, %rsp
    movq    DIRECT_KEY(%rsp), %rcx
    movq    %rsp, THREAD_LAPS(%rdx)     // A of the protocol
    cmpq    chorale_direct_trap, %rcx   // B
    jne     .Llook_for_quick_call

.Lcall_handler:
    movq    %rbx, RECORD_PLACE + FRAME_RBX(%rsp)
    movq    %rbp, RECORD_PLACE + FRAME_RBP(%rsp)
    movq    %r12, RECORD_PLACE + FRAME_R12(%rsp)
    movq    %r13, RECORD_PLACE + FRAME_R13(%rsp)
    movq    %r14, RECORD_PLACE + FRAME_R14(%rsp)
    movq    %r15, RECORD_PLACE + FRAME_R15(%rsp)
    ALTERNATIVE PATCH_FSGSBASE, QUOTED(movq FRAME(FS_BASE)(%rdx), %rcx), "rdfsbase %rcx"
    movq    %rcx, FRAME(FS_BASE)(%rdx)  // where it finds it again that waits in a call of the handler's
    movq    %rcx, RECORD_PLACE + FRAME_FS_BASE(%rsp)
    movl    $0, RECORD_PLACE + RECORD_TRAP + TRAP_RESULT_ONLY(%rsp)
    leaq    RECORD_PLACE(%rsp), %rcx
    leaq    RECORD_PLACE + RECORD_TRAP(%rsp), %rdi
    movq    %rcx, THREAD_SUPERVISOR + SUPERVISOR_INNERMOST(%rdx)
    orl     $STATE_SUPERVISOR, THREAD_STATE(%rdx)
    movq    DIRECT_COOKIE(%rsp), %rsi
    sti
    callq   *DIRECT_HANDLER(%rsp)

    cli
    movq    %gs:CPU_CURRENT, %rdx       // perhaps another CPU's by now
    movq    $0, THREAD_LAPS(%rdx)
    testl   $-1 << STATE_SHIFT, THREAD_STATE(%rdx)
    jnz     chorale_handler_return
    cmpl    $0, %gs:CPU_PENDING
    jne     chorale_handler_return
    cmpl    $0, RECORD_PLACE + RECORD_TRAP + TRAP_RESULT_ONLY(%rsp)
    je      chorale_handler_return

    // What C functions keep the handler has kept, wherever the thread has been meanwhile.
    movq    $0, THREAD_SUPERVISOR + SUPERVISOR_INNERMOST(%rdx)
    andl    $~STATE_SUPERVISOR, THREAD_STATE(%rdx)
    movl    $EXIT_CALL, FRAME(EXIT)(%rdx) // an interrupt of the handler has left another one there
    movq    RECORD_PLACE + FRAME_RAX(%rsp), %rax
    movq    RECORD_PLACE + FRAME_RDX(%rsp), %rdx
    movq    RECORD_PLACE + FRAME_RSI(%rsp), %rsi
    movq    RECORD_PLACE + FRAME_RDI(%rsp), %rdi
    movq    RECORD_PLACE + FRAME_R8(%rsp), %r8
    movq    RECORD_PLACE + FRAME_R9(%rsp), %r9
    movq    RECORD_PLACE + FRAME_R10(%rsp), %r10
    movq    RECORD_PLACE + FRAME_FLAGS(%rsp), %r11
    movq    RECORD_PLACE + FRAME_PC(%rsp), %rcx
    movq    RECORD_PLACE + FRAME_SP(%rsp), %rsp
    swapgs
    sysretq

// The key is the LAP's that is connected, where the handler has named quick functions.
.Llook_for_quick_call:
    movq    DIRECT_QUICK_KEY(%rsp), %rcx
    cmpq    chorale_direct_trap, %rcx
    jne     .Lmissed
    movq    RECORD_PLACE + RECORD_TRAP + TRAP_QUICK_CALLS(%rsp), %rcx
    cmpq    $1 << QUICK_CALL_SHIFT, %rax
    jae     .Lcall_handler
    testq   %rcx, %rcx
    jz      .Lcall_handler
    movq    %rsp, %rsi
    movq    %gs:CPU_STACK_TOP, %rsp     // before anything of the handler's: a fault is the system's
    movq    (%rcx,%rax,8), %rcx
    testq   %rcx, %rcx
    jz      .Lno_quick_call
    movq    RECORD_PLACE + RECORD_TRAP + TRAP_DATA(%rsi), %rdi
    callq   *%rcx
    movq    %gs:CPU_CURRENT, %rdx
    movq    $0, THREAD_LAPS(%rdx)
    movq    THREAD_DIRECT(%rdx), %rsp
    movq    FRAME_RDX(%rsp), %rdx
    movq    FRAME_RSI(%rsp), %rsi
    movq    FRAME_RDI(%rsp), %rdi
    movq    FRAME_R8(%rsp), %r8
    movq    FRAME_R9(%rsp), %r9
    movq    FRAME_R10(%rsp), %r10
    movq    FRAME_FLAGS(%rsp), %r11
    movq    FRAME_PC(%rsp), %rcx
    movq    FRAME_SP(%rsp), %rsp
    swapgs
    sysretq

.Lno_quick_call:
    movq    %rsi, %rsp
    jmp     .Lcall_handler

.Lmissed:                               // nothing has happened yet
    movq    $0, THREAD_LAPS(%rdx)
    movq    RECORD_PLACE + FRAME_PC(%rsp), %rcx
    movq    RECORD_PLACE + FRAME_RDX(%rsp), %rdx
.Lnot_prepared:
    movq    %gs:CPU_CURRENT, %rsp
    jmp     foreign_call
    .size direct_trap, . - direct_trap

    .section .note.GNU-stack, "", @progbits
