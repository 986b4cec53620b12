/* Where a thread begins that libchorus.a's threadCreate() makes (lib/musl/thread.c). On its stack lie its
 * control block and the entry that the program gave: a C function, which is entered as after a call from
 * nowhere. */
    .section .text.chorus_thread_entry, "ax", @progbits
    .globl chorus_thread_entry
    .hidden chorus_thread_entry
    .type chorus_thread_entry, @function
chorus_thread_entry:
    movq (%rsp), %rdi
    leaq 8(%rsp), %rbx
    andq $-16, %rsp
    xorl %ebp, %ebp
    call chorus_thread_begin
    movq (%rbx), %rax
    movq $0, (%rbx)                 // its return address
    movq %rax, -8(%rbx)
    leaq -8(%rbx), %rsp
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    ret
    .size chorus_thread_entry, . - chorus_thread_entry

    .section .note.GNU-stack, "", @progbits
