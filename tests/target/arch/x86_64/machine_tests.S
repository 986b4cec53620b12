/* Raw calls, register and vector contents for the target tests. */
#include <chorus/message_registers.h>


    .text

/* long raw_call(const RawCall* rdi) */
    .globl raw_call
    .type raw_call, @function
raw_call:
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    xorl %ebx, %ebx
    movq (%rdi), %rax
    movq 16(%rdi), %rsi
    movq 24(%rdi), %rdx
    movq 32(%rdi), %r10
    movq 40(%rdi), %r8
    movq 48(%rdi), %r9
    movq 8(%rdi), %rdi
    syscall
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    ret
    .size raw_call, . - raw_call

/* void call_with_registers(Registers* rdi): rax rcx rdx rbx rsp rbp rsi rdi r8 … r15 */
    .globl call_with_registers
    .type call_with_registers, @function
call_with_registers:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdi
    movq (%rdi), %rax
    movq 8(%rdi), %rcx
    movq 16(%rdi), %rdx
    movq 24(%rdi), %rbx
    movq 40(%rdi), %rbp
    movq 48(%rdi), %rsi
    movq 64(%rdi), %r8
    movq 72(%rdi), %r9
    movq 80(%rdi), %r10
    movq 88(%rdi), %r11
    movq 96(%rdi), %r12
    movq 104(%rdi), %r13
    movq 112(%rdi), %r14
    movq 120(%rdi), %r15
    movq 56(%rdi), %rdi
    syscall
    xchgq %rdi, (%rsp) /* the value of rdi goes to the stack, the pointer comes back */
    movq %rax, (%rdi)
    movq %rcx, 8(%rdi)
    movq %rdx, 16(%rdi)
    movq %rbx, 24(%rdi)
    movq %rbp, 40(%rdi)
    movq %rsi, 48(%rdi)
    movq %r8, 64(%rdi)
    movq %r9, 72(%rdi)
    movq %r10, 80(%rdi)
    movq %r11, 88(%rdi)
    movq %r12, 96(%rdi)
    movq %r13, 104(%rdi)
    movq %r14, 112(%rdi)
    movq %r15, 120(%rdi)
    popq %rax
    movq %rax, 56(%rdi)
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .size call_with_registers, . - call_with_registers

    .macro for_all_vectors operation
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \operation \n
    .endr
    .endm

/* void load_narrow(const void* rdi), void store_narrow(void* rdi): 16 registers at a step of 32 bytes */
    .macro load_xmm n
    movdqu (32 * \n)(%rdi), %xmm\n
    .endm
    .macro store_xmm n
    movdqu %xmm\n, (32 * \n)(%rdi)
    .endm
    .macro load_ymm n
    vmovdqu (32 * \n)(%rdi), %ymm\n
    .endm
    .macro store_ymm n
    vmovdqu %ymm\n, (32 * \n)(%rdi)
    .endm

    .globl load_narrow, store_narrow, load_wide, store_wide
load_narrow:
    for_all_vectors load_xmm
    ret
store_narrow:
    for_all_vectors store_xmm
    ret
load_wide:
    for_all_vectors load_ymm
    ret
store_wide:
    for_all_vectors store_ymm
    ret

/* void set_modes(unsigned mxcsr edi, unsigned control esi), unsigned get_mxcsr(), unsigned get_control() */
    .globl set_modes, get_mxcsr, get_control
set_modes:
    movl %edi, -8(%rsp)
    ldmxcsr -8(%rsp)
    movl %esi, -8(%rsp)
    fldcw -8(%rsp)
    ret
get_mxcsr:
    stmxcsr -8(%rsp)
    movl -8(%rsp), %eax
    ret
get_control:
    fnstcw -8(%rsp)
    movzwl -8(%rsp), %eax
    ret

/* unsigned enabled_state(): XCR0, low half */
    .globl enabled_state
enabled_state:
    xorl %ecx, %ecx
    xgetbv
    ret

/* ---- faults: each is a thread body ---- */
    .macro fault name
    .globl fault_\name
fault_\name:
    .endm

    fault null_write
    movl $1, 0
    ret
    fault null_call
    xorl %eax, %eax
    call *%rax
    ret
    fault text_write
    movb $0x90, fault_text_write
    ret
    fault data_execution
    call fault_bytes
    ret
    fault nucleus_read
    movabsq $0xffffffff80000000, %rax
    movq (%rax), %rax
    ret
    fault nucleus_jump
    movabsq $0xffffffff80100000, %rax
    jmp *%rax
    fault upper_half_read
    movabsq $0xffff800000000000, %rax
    movq (%rax), %rax
    ret
    fault last_byte_read
    movq $-1, %rax
    movb (%rax), %al
    ret
    fault non_canonical_read
    movabsq $0x0000900000000000, %rax
    movq (%rax), %rax
    ret
    fault non_canonical_jump
    movabsq $0x0000800000000000, %rax
    jmp *%rax
    fault divide
    xorl %edx, %edx
    xorl %ecx, %ecx
    divl %ecx
    ret
    fault undefined
    ud2
    fault breakpoint
    int3
    ret
    fault halt
    hlt
    ret
    fault interrupts_off
    cli
    ret
    fault port_read
    inb $0x60, %al
    ret
    fault control_read
    movq %cr3, %rax
    ret
    fault msr_read
    movl $0xc0000082, %ecx
    rdmsr
    ret
    fault software_interrupt
    int $0x20
    ret
    fault double_fault_vector
    int $8
    ret
    fault stack_overflow
    subq $4096, %rsp
    pushq %rax
    jmp fault_stack_overflow
    fault stack_in_nucleus
    movabsq $0xffffffff80000000, %rsp
    pushq %rax
    ret
    fault stack_non_canonical
    movabsq $0x0000900000000000, %rsp
    pushq %rax
    ret
    fault x87_exception
    fninit
    movl $0x0340, -8(%rsp)
    fldcw -8(%rsp)
    fld1
    fldz
    fdivrp
    fwait
    ret
    fault single_step
    pushfq
    orq $0x100, (%rsp)
    popfq
    nop
    ret
    fault sysenter
    sysenter
    ret
    fault return_to_far_segment
    pushq $0x08
    leaq 1f(%rip), %rax
    pushq %rax
    lretq
1:  ret

/* ---- oddities: the nucleus must not be impressed; each returns ---- */
    .macro oddity name
    .globl oddity_\name
oddity_\name:
    .endm

#define NULL_CALL (CHORUS_CALL_BASE + 2)
#define YIELD (CHORUS_CALL_BASE + 133)

    .macro both_calls
    movl $NULL_CALL, %eax
    syscall
    xorl %edi, %edi
    movl $YIELD, %eax
    syscall
    .endm

    oddity direction_flag
    std
    both_calls
    cld
    ret
    oddity alignment_flag
    pushfq
    orq $0x40000, (%rsp)
    popfq
    both_calls
    pushfq
    andq $~0x40000, (%rsp)
    popfq
    ret
    oddity nested_task_flag
    pushfq
    orq $0x4000, (%rsp)
    popfq
    both_calls
    pushfq
    andq $~0x4000, (%rsp)
    popfq
    ret
    oddity nucleus_stack_pointer
    pushq %rbx
    movq %rsp, %rbx
    movabsq $0xffffffff80000000, %rsp
    both_calls
    movq %rbx, %rsp
    popq %rbx
    ret
    oddity non_canonical_stack_pointer
    pushq %rbx
    movq %rsp, %rbx
    movabsq $0x0000900000000000, %rsp
    both_calls
    movq %rbx, %rsp
    popq %rbx
    ret
    oddity odd_stack_pointer
    pushq %rbx
    movq %rsp, %rbx
    movq $1, %rsp
    both_calls
    movq %rbx, %rsp
    popq %rbx
    ret
    oddity data_segments
    xorl %eax, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    both_calls
    ret

    .data
fault_bytes:
    ret

    .section .note.GNU-stack, "", @progbits
