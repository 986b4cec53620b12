// The ways out: to user or supervisor mode with a thread's frame, and back to the start of the CPU's stack.
#include <machine/asm.h>
#include <machine/offsets.h>

#define USER_CS 0x2b
#define USER_SS 0x23
#define NUCLEUS_CS 0x08
#define NUCLEUS_SS 0x10
#define USER_ADDRESS_BITS 47
#define USER_LIMIT 0x00007ffffffff000
#define MSR_FS_BASE 0xc0000100

// All but rcx and r11, which SYSRET needs, rsp, and rdi, which is the frame.
.macro load_most
    movq FRAME_RBX(%rdi), %rbx
    movq FRAME_RBP(%rdi), %rbp
    movq FRAME_RAX(%rdi), %rax
    movq FRAME_RDX(%rdi), %rdx
    movq FRAME_RSI(%rdi), %rsi
    movq FRAME_R8(%rdi), %r8
    movq FRAME_R9(%rdi), %r9
    movq FRAME_R10(%rdi), %r10
    movq FRAME_R12(%rdi), %r12
    movq FRAME_R13(%rdi), %r13
    movq FRAME_R14(%rdi), %r14
    movq FRAME_R15(%rdi), %r15
.endm

// The frame's registers by IRET: rcx is the pc. rsp: the CPU's stack.
.macro return_by_iret code_segment, stack_segment
    pushq $\stack_segment
    pushq FRAME_SP(%rdi)
    pushq FRAME_FLAGS(%rdi)
    pushq $\code_segment
    pushq %rcx
    movq FRAME_RCX(%rdi), %rcx
    movq FRAME_R11(%rdi), %r11
    movq FRAME_RDI(%rdi), %rdi
.endm

    .text
    .balign 64
    .globl chorale_resume
chorale_resume: // rdi: frame, rsi: root
    cmpq %rsi, %gs:CPU_SPACE_ROOT
    je 1f
    movq %rsi, %gs:CPU_SPACE_ROOT
    movq %rsi, %cr3
    // A user GS base, which FSGSBASE lets threads set, does not outlive the space's turn.
    ALTERNATIVE PATCH_FSGSBASE, "", "xorl %eax, %eax; swapgs; wrgsbase %rax; swapgs"
1:  movq FRAME_FS_BASE(%rdi), %rax
    WRITE_FS_BASE
    movq FRAME_PC(%rdi), %rcx
    movq %rcx, %rax
    shrq $USER_ADDRESS_BITS, %rax
    jnz bad_pc
2:  load_most
    cmpl $EXIT_CALL, FRAME_EXIT(%rdi)
    jne 3f
    movq FRAME_FLAGS(%rdi), %r11
    movq FRAME_SP(%rdi), %rsp
    movq FRAME_RDI(%rdi), %rdi
    swapgs
    sysretq
3:  movq %gs:CPU_STACK_TOP, %rsp
    return_by_iret USER_CS, USER_SS
    swapgs
    iretq

// SYSRET and IRET fault in the nucleus on such an address; at the limit the thread faults by itself.
bad_pc:
    cmpl $EXIT_SUPERVISOR, FRAME_EXIT(%rdi)
    je to_supervisor
    movabsq $USER_LIMIT, %rcx
    jmp 2b

to_supervisor:
    load_most
    movq %gs:CPU_STACK_TOP, %rsp
    return_by_iret NUCLEUS_CS, NUCLEUS_SS
    iretq

    .globl chorale_write_fs_base
chorale_write_fs_base:
    pushq %rcx
    pushq %rdx
    movq %rax, %rdx
    shrq $32, %rdx
    movl $MSR_FS_BASE, %ecx
    wrmsr
    popq %rdx
    popq %rcx
    ret

    .globl chorale_on_cpu_stack
chorale_on_cpu_stack: // rdi: where to go on
    movq %gs:CPU_STACK_TOP, %rsp
    xorl %ebp, %ebp
    callq *%rdi
    ud2
