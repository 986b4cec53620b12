// System calls that are not the nucleus's, to the LAP that handles them and back: the quick way, which
// kernel/lap/direct_trap.hpp tells of. On the system stack, from high to low:
//
//     HandlerRecord
//     LapFrame            <- Invocations::frames
//     KEPT_SIZE           room for what chorale_lap_failed loads, whatever that is: the slow end follows
//     the handler's frames
//
// Context: interrupts are off but for the handler. Of the record the tail, `before` to `cookie`, stays as the
// slow way has left it, and so does what direct_trap_entry does not write of the frame.
#include <machine/entry.h>

#define KEPT_SIZE 48
#define FRAME_PLACE KEPT_SIZE
#define RECORD_PLACE (KEPT_SIZE + LAP_FRAME_SIZE)

    .text
    .balign 64
    .globl direct_trap
    .type direct_trap, @function
direct_trap: // rsp: the thread, with rax and FS base in its frame; the user's sp in the CPU's scratch
    testl   $~STATE_QUIET, THREAD_STATE(%rsp)
    jnz     foreign_call
    movq    THREAD_DIRECT(%rsp), %rax
    testq   %rax, %rax
    jz      foreign_call
    movq    %rcx, FRAME_PC(%rax)
    movq    %rcx, FRAME_RCX(%rax)
    movq    %r11, FRAME_FLAGS(%rax)
    movq    %r11, FRAME_R11(%rax)
    movq    %rbx, FRAME_RBX(%rax)
    movq    %rbp, FRAME_RBP(%rax)
    movq    %rdx, FRAME_RDX(%rax)
    movq    %rsi, FRAME_RSI(%rax)
    movq    %rdi, FRAME_RDI(%rax)
    movq    %r8, FRAME_R8(%rax)
    movq    %r9, FRAME_R9(%rax)
    movq    %r10, FRAME_R10(%rax)
    movq    %r12, FRAME_R12(%rax)
    movq    %r13, FRAME_R13(%rax)
    movq    %r14, FRAME_R14(%rax)
    movq    %r15, FRAME_R15(%rax)
    movq    FRAME(RAX)(%rsp), %rcx
    movq    FRAME(FS_BASE)(%rsp), %rsi
    movq    %gs:CPU_SCRATCH, %rdi
    movq    %rcx, FRAME_RAX(%rax)
    movq    %rsi, FRAME_FS_BASE(%rax)
    movq    %rdi, FRAME_SP(%rax)

    movq    %rsp, %rdx                  // the thread
    leaq    -RECORD_PLACE(%rax), %rsp
    movq    %rax, THREAD_SUPERVISOR + SUPERVISOR_INNERMOST(%rdx)
    movl    $1, THREAD_SUPERVISOR + SUPERVISOR_DEPTH(%rdx)
    orl     $STATE_SUPERVISOR, THREAD_STATE(%rdx)
    movq    THREAD_HANDLER_DATA(%rdx), %rcx
    movq    %rax, RECORD_TRAP + TRAP_CONTEXT(%rax)
    movq    $TRAP_SYSTEM_CALL, RECORD_TRAP + TRAP_NUMBER(%rax) // and resultOnly is 0
    movq    %rcx, RECORD_TRAP + TRAP_HANDLER_DATA(%rax)

    movq    chorale_direct_trap + DIRECT_LAP, %rcx
    movq    chorale_direct_trap + DIRECT_KEY, %r10
    movq    LAP_OWNER(%rcx), %r9
    movq    LAP_HANDLER(%rcx), %r8
    movq    LAP_COOKIE(%rcx), %rsi
    orq     $LAP_GUARDED, %r9
    movq    $0, FRAME_PLACE + LAP_FRAME_OUTER(%rsp)
    movq    %r9, FRAME_PLACE + LAP_FRAME_OWNER(%rsp)
    movq    %rcx, FRAME_PLACE + LAP_FRAME_LAP(%rsp)
    movq    $handler_failed, FRAME_PLACE + LAP_FRAME_RETURN(%rsp)
    leaq    FRAME_PLACE(%rsp), %rdi
    movq    %rdi, THREAD_LAPS(%rdx)     // A of the protocol
    cmpq    LAP_KEY(%rcx), %r10         // B, after the others
    jne     no_handler
    leaq    RECORD_TRAP(%rax), %rdi
    sti
    callq   *%r8

    cli
    movq    %gs:CPU_CURRENT, %rdx       // perhaps another CPU's by now
    movq    RECORD_PLACE + RECORD_TRAP + TRAP_HANDLER_DATA(%rsp), %rcx
    cmpq    $handler_failed, FRAME_PLACE + LAP_FRAME_RETURN(%rsp)
    movq    %rcx, THREAD_HANDLER_DATA(%rdx)
    jne     other_way_home
    movq    $0, THREAD_LAPS(%rdx)
    movl    THREAD_STATE(%rdx), %ecx
    andl    $~STATE_QUIET, %ecx
    cmpl    $STATE_SUPERVISOR, %ecx
    jne     chorale_handler_return
    cmpl    $0, %gs:CPU_PENDING
    jne     chorale_handler_return
    cmpl    $0, RECORD_PLACE + RECORD_TRAP + TRAP_NUMBER + 4(%rsp)
    je      chorale_handler_return

    // What C functions keep the handler has kept, wherever the thread has been meanwhile.
    movq    $0, THREAD_SUPERVISOR + SUPERVISOR_INNERMOST(%rdx)
    movl    $0, THREAD_SUPERVISOR + SUPERVISOR_DEPTH(%rdx)
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

// Something waits for the thread to leave its LAPs: to chorale_lap_way_home, and then to handler_failed.
other_way_home:
    leaq    FRAME_PLACE(%rsp), %rsp
    popq    THREAD_LAPS(%rdx)
    addq    $16, %rsp
    sti
    ret

// The nucleus has ended the invocation, or it is over and chorale_lap_way_home comes here.
handler_failed:
    cli
    movq    %gs:CPU_CURRENT, %rdx
    movq    RECORD_TRAP + TRAP_HANDLER_DATA(%rsp), %rcx
    movq    %rcx, THREAD_HANDLER_DATA(%rdx)
    jmp     chorale_handler_return

no_handler:
    movq    $0, THREAD_LAPS(%rdx)
    movq    $TRAP_UNHANDLED, FRAME_RAX(%rax)
    jmp     chorale_handler_return
    .size direct_trap, . - direct_trap

    .section .note.GNU-stack, "", @progbits
