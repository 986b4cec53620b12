// lapInvoke: a function call with bookkeeping, on the caller's stack, with interrupts on; the thread may be
// preempted between any two instructions and go on on another CPU. What is kept, and why it suffices, is told
// in kernel/lap/lap.hpp. On the stack, from high to low:
//
//     LapFrame::return_address     the caller's
//     LapFrame::lap                \
//     LapFrame::owner_and_kind      > pushed here
//     LapFrame::outer              /  <- Invocations::frames
//     what C keeps                 of a guarded invocation: what chorale_lap_failed puts back
//     the handler's frame
#include <machine/offsets.h>

#define KEPT_SIZE 48

// From the place in rax and the key in rdx: the LAP (rax), its owner and kind (r9), handler (r8), cookie
// (rsi), all of them of the one whose key that is. A place beyond the table is another one: the key decides.
.macro find_lap
    andl    $(LAP_LIMIT - 1), %eax
    movq    lap_table(,%rax,8), %rax
    testq   %rax, %rax
    jz      no_lap
    movq    LAP_OWNER(%rax), %r9
    movq    LAP_HANDLER(%rax), %r8
    movq    LAP_COOKIE(%rax), %rsi
    cmpq    LAP_KEY(%rax), %rdx         // after the others
    jne     no_lap
.endm

    .text
    .balign 64
    .globl chorale_lap_invoke
    .type chorale_lap_invoke, @function
chorale_lap_invoke: // rdi: KnLapDesc*, rsi: argument
    movq    (%rdi), %rax
    movq    8(%rdi), %rdx
    movq    %rsi, %rdi
    find_lap
    testb   $LAP_KINDS, %r9b
    jnz     not_plain
    movq    %gs:CPU_CURRENT, %rdx
    pushq   %rax
    pushq   %r9
    pushq   THREAD_LAPS(%rdx)
    movq    %rsp, THREAD_LAPS(%rdx)
    callq   *%r8
    movq    %gs:CPU_CURRENT, %rdx
    popq    THREAD_LAPS(%rdx)
    addq    $16, %rsp
    xorl    %eax, %eax
    ret

no_lap:
    movl    $LAP_INVALID, %eax
    ret

not_plain:
    testb   $LAP_RAW, %r9b
    jz      guarded
    subq    $8, %rsp
    callq   *%r8
    addq    $8, %rsp
    xorl    %eax, %eax
    ret

guarded: // rdi: argument, the rest from find_lap
    movq    %gs:CPU_CURRENT, %r10
    pushq   %rax
    pushq   %r9
    pushq   THREAD_LAPS(%r10)
    movq    %rsp, %r11
    pushq   %rbx
    pushq   %rbp
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    movq    %r11, THREAD_LAPS(%r10)     // A of the protocol
    cmpq    LAP_KEY(%rax), %rdx         // B
    jne     died
    callq   *%r8
    movq    %gs:CPU_CURRENT, %rdx
    addq    $KEPT_SIZE, %rsp            // the handler has put back what C keeps
    xorl    %eax, %eax
    testb   $LAP_SAFE, 8(%rsp)
    jz      1f
    movq    16(%rsp), %rcx
    cmpl    $0, LAP_DEAD(%rcx)
    jne     2f
1:  popq    THREAD_LAPS(%rdx)
    addq    $16, %rsp
    ret
2:  movl    $LAP_DELETED, %eax
    jmp     1b

died:
    movq    %r11, %rsp
    popq    THREAD_LAPS(%r10)
    addq    $16, %rsp
    jmp     no_lap
    .size chorale_lap_invoke, . - chorale_lap_invoke

// What the nucleus has a thread invoke: always guarded.
    .balign 16
    .globl chorale_lap_invoke_guarded
    .type chorale_lap_invoke_guarded, @function
chorale_lap_invoke_guarded: // rdi: place, rsi: key, rdx: argument
    movq    %rdi, %rax
    movq    %rdx, %rdi
    movq    %rsi, %rdx
    find_lap
    orb     $LAP_GUARDED, %r9b
    jmp     guarded
    .size chorale_lap_invoke_guarded, . - chorale_lap_invoke_guarded

// The nucleus has taken the frame off the list: here ends the call, KEPT_SIZE below it.
    .globl chorale_lap_failed
chorale_lap_failed:
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbp
    popq    %rbx
    addq    $24, %rsp
    movl    $LAP_FAILED, %eax
    ret

// Where the outermost invocation returns to when something waits for that; then to where it was to return.
    .globl chorale_lap_way_home
chorale_lap_way_home:
    movq    %gs:CPU_CURRENT, %rdx
    pushq   THREAD_WAY_HOME(%rdx)
    pushq   %rax
    callq   chorale_come_home
    popq    %rax
    ret

// Where an invocation returns to instead of code that has gone: the exception ends the next one.
    .globl chorale_lap_abandoned
chorale_lap_abandoned:
    ud2

    .section .note.GNU-stack, "", @progbits
