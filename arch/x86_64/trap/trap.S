// Every interrupt and exception comes in here.
// From user mode: all registers go to the current thread's Frame, then C++ runs on the CPU's stack and never
// returns here.
// From a supervisor thread: the same; its stack lies in the supervisor range, while the nucleus's do not.
// From the nucleus: registers go to the stack, and it goes on where it was. NMI, double fault and machine
// check can hit anywhere, even where GS is still the user's: they have stacks of their own (IST), whose last
// words name this CPU's block, and put GS right themselves.
#include <machine/asm.h>
#include <machine/entry.h>

#define MSR_GS_BASE 0xc0000101
#define IST_STACK_SIZE 8192

// On the stack at the common entries.
#define AT_VECTOR 0
#define AT_ERROR 8
#define AT_CS 24

    .text

    .altmacro
.macro one_stub number
    .if \number < 32
    .balign 16
    .else
    .balign 8
    .endif
    .if \number == 2 || \number == 18
    pushq $0
    pushq $\number
    jmp trap_anywhere
    .elseif \number == 8
    pushq $\number
    jmp trap_anywhere
    .elseif \number >= 10 && \number <= 14
    pushq $\number
    jmp trap_common
    .elseif \number == 17 || \number == 21 || \number == 29 || \number == 30
    pushq $\number
    jmp trap_common
    .elseif \number < 32
    pushq $0
    pushq $\number
    jmp trap_common
    .else
    pushq $\number - 128               // two bytes
    jmp interrupt_common
    .endif
.endm

    .balign 16
    .globl chorale_trap_stubs
chorale_trap_stubs:
    .set stub_number, 0
    .rept 256
    one_stub %stub_number
    .set stub_number, stub_number + 1
    .endr
    .noaltmacro

// All registers of the interrupted thread to its frame, which goes to rdi.
.macro save_to_frame exit
    CLAC
    pushq %rax
    movq %gs:CPU_CURRENT, %rax
    movq %rbx, FRAME(RBX)(%rax)
    movq %rbp, FRAME(RBP)(%rax)
    movq %rcx, FRAME(RCX)(%rax)
    movq %rdx, FRAME(RDX)(%rax)
    movq %rsi, FRAME(RSI)(%rax)
    movq %rdi, FRAME(RDI)(%rax)
    movq %r8, FRAME(R8)(%rax)
    movq %r9, FRAME(R9)(%rax)
    movq %r10, FRAME(R10)(%rax)
    movq %r11, FRAME(R11)(%rax)
    movq %r12, FRAME(R12)(%rax)
    movq %r13, FRAME(R13)(%rax)
    movq %r14, FRAME(R14)(%rax)
    movq %r15, FRAME(R15)(%rax)
    leaq THREAD_FRAME(%rax), %rdi
    popq FRAME_RAX(%rdi)
    popq FRAME_VECTOR(%rdi)
    popq FRAME_ERROR(%rdi)
    popq FRAME_PC(%rdi)
    popq %rcx // CS: always the same one
    popq FRAME_FLAGS(%rdi)
    popq FRAME_SP(%rdi)
    movl $\exit, FRAME_EXIT(%rdi)
.endm

.macro save_all
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
.endm

.macro restore_all
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
.endm

    .balign 64
interrupt_common:
    pushq (%rsp)                        // above it, where exceptions have an error code: nothing of use
    subq $-128, (%rsp)
    testb $3, AT_CS(%rsp)
    jnz from_user
    btq $NUCLEUS_STACK_BIT, %rsp
    jnc from_supervisor
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    cld
    movl 72(%rsp), %edi
    call chorale_interrupt
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

trap_common:
    testb $3, AT_CS(%rsp)
    jz from_ring_0
from_user:
    swapgs
    lfence // no speculation past here with the user's GS
    save_to_frame EXIT_INTERRUPT
    // With FSGSBASE a thread may have set its FS base itself.
    ALTERNATIVE PATCH_FSGSBASE, QUOTED(movq FRAME_FS_BASE(%rdi), %rcx), "rdfsbase %rcx"
    movq %rcx, FRAME_FS_BASE(%rdi)
enter_nucleus:
    movq %gs:CPU_STACK_TOP, %rsp
    xorl %ebp, %ebp
    cld
    call chorale_trap_from_user
    ud2

// FS base is not touched in ring 0: what the frame says is true.
from_supervisor:
    save_to_frame EXIT_SUPERVISOR
    jmp enter_nucleus

from_ring_0:
    btq $NUCLEUS_STACK_BIT, %rsp
    jnc from_supervisor
    save_all
    CLAC
    movq %rsp, %rdi
    call chorale_trap_from_nucleus
    restore_all
    iretq

// GS_BASE is compared, not judged by its sign: with FSGSBASE a user can put any value there.
trap_anywhere:
    save_all
    CLAC
    movl $MSR_GS_BASE, %ecx
    rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, %rbx
    movq %rsp, %rdx
    andq $-IST_STACK_SIZE, %rdx
    movq IST_STACK_SIZE - 8(%rdx), %rax
    cmpq %rax, %rbx
    je 1f
    movq %rax, %rdx
    shrq $32, %rdx
    wrmsr
1:  movq %rsp, %rdi
    pushq %rbx
    pushq %rbx
    call chorale_trap_anywhere
    popq %rbx
    popq %rbx
    movl $MSR_GS_BASE, %ecx
    movq %rbx, %rax
    movq %rbx, %rdx
    shrq $32, %rdx
    wrmsr
    restore_all
    iretq
