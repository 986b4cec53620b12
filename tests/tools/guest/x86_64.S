// A stand-in for the nucleus, for tests of the tools: boots by PVH, switches to long mode, runs in the upper
// half of the addresses like the nucleus and in the lower like a user, and behaves as the first letter of
// its command line says:
//   p pass   f say FAIL   h hang   x panic   t triple fault   s end without a word   m malformed JSON
//   c counted spans with markers   i interrupts off   b a bench result   l flood of output
// Context: CPU 0 only, interrupts off, one page of stack.

#define HIGH 0xffffffff80000000

.macro marker id
    .byte 0x0f, 0x1f, 0x80, \id & 0xff, \id >> 8, 0x14, 0x5e
.endm

.macro print text
    leaq 1f(%rip), %rsi
    call puts
    .section .rodata
1:  .asciz "\text"
    .section .text
.endm

    .section .note.pvh, "a"
    .long 4, 4, 18
    .asciz "Xen"
    .long start

    .section .text
    .code32
    .globl start
start:
    movl 24(%ebx), %ebp              // hvm_start_info.cmdline_paddr
    movl $stack_end, %esp
    movl $directory + 3, pointers    // one table serves both halves: they map the same first 1 GiB
    movl $directory + 3, pointers + 510 * 8
    movl $pointers + 3, root
    movl $pointers + 3, root + 511 * 8
    movl $0x83, directory            // 2 MiB, present, writable
    movl $0x200083, directory + 8
    movl $root, %eax
    movl %eax, %cr3
    movl $0x20, %eax                 // PAE
    movl %eax, %cr4
    movl $0xc0000080, %ecx           // EFER.LME
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl $0x80000001, %eax           // paging and protection
    movl %eax, %cr0
    lgdt descriptor
    ljmp $8, $long_mode

    .code64
long_mode:
    movl %ebp, %ebp
    movb (%rbp), %bl
    leaq high(%rip), %rax
    movabsq $HIGH, %rcx
    addq %rcx, %rax
    jmp *%rax
high:
    cmpb $'h', %bl
    je hang
    cmpb $'x', %bl
    je panic
    cmpb $'t', %bl
    je triple_fault
    cmpb $'s', %bl
    je pass_exit
    cmpb $'l', %bl
    je flood
    print "fake guest\r\n"
    cmpb $'f', %bl
    je fail
    cmpb $'m', %bl
    je malformed
    cmpb $'c', %bl
    je counted
    cmpb $'i', %bl
    je masked
    cmpb $'b', %bl
    je bench
    print "@test fake.one ok\n@test fake.two ok with detail\n"
pass:
    print "@done pass\n"
pass_exit:
    movb $0x10, %al
    outb %al, $0xf4
hang:
    print "about to hang\n"
0:  pause
    jmp 0b
fail:
    print "@test fake.one ok\n@test fake.two FAIL got 1 wanted 2\n@done FAIL\n"
    movb $0x11, %al
    outb %al, $0xf4
panic:
    print "@panic\nnucleus panic: told to\n  #0 fake\n@endpanic\n"
    movb $0x12, %al
    outb %al, $0xf4
malformed:
    print "@json {nonsense\n"
    jmp pass
triple_fault:
    lidt descriptor_of_nothing(%rip)
    ud2
flood:
    print "@"
0:  print "line after line after line after line after line after line after line after line\n"
    jmp 0b
bench:
    print "@meta {\"arch\":\"x86_64\",\"cpus\":1,\"counter\":\"tsc\",\"emulated\":true}\n"
    print "@json {\"name\":\"null_call\",\"unit\":\"t\",\"min\":1,\"median\":2,\"p99\":3,\"max\":4,\"n\":5}\n"
    jmp pass

// Interrupts off for 11 instructions, for 5 with two more turns of a loop that waits, and for 10, of which 9
// are a timer's until a thread wakes up.
masked:
    movb $0xff, %al                  // the firmware's timer stays out
    outb %al, $0x21
    outb %al, $0xa1
    marker 6
    sti
    nop
    cli
    .rept 10
    nop
    .endr
    sti
    nop
    cli
    movl $3, %ecx
1:  pause
    decl %ecx
    jnz 1b
    sti
    nop
    cli
    .rept 4
    nop
    .endr
    marker 8
    .rept 3
    nop
    .endr
    marker 9
    .rept 2
    nop
    .endr
    marker 2
    sti
    nop
    marker 7
    cli
    jmp pass

// Result 0: three rounds of 4 user and 6, 6, 16 nucleus instructions. Result 1: one batch with 3 idle ones.
counted:
    marker 5
    marker 0x100
    movl $3, %r12d
next_round:
    leaq low(%rip), %rax
    movabsq $HIGH, %rcx
    subq %rcx, %rax
    jmp *%rax
low:
    marker 1
    nop
    leaq back(%rip), %rax
    addq %rcx, %rax
    jmp *%rax
back:
    nop
    cmpl $1, %r12d
    jne 1f
    .rept 10
    nop
    .endr
1:  nop
    nop
    nop
    marker 2
    decl %r12d
    jnz next_round
    marker 0x101
    marker 6
    nop
    nop
    marker 3
    nop
    nop
    nop
    marker 4
    nop
    marker 7
    jmp pass

// Writes the string at rsi to COM1, waiting for nothing: QEMU's port is always ready.
puts:
    movw $0x3f8, %dx
0:  lodsb
    testb %al, %al
    jz 1f
    outb %al, %dx
    jmp 0b
1:  ret

    .section .data
    .balign 16
descriptor_table:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
descriptor:
    .word . - descriptor_table - 1
    .long descriptor_table
    .long 0
descriptor_of_nothing:
    .word 0
    .quad 0

    .section .bss
    .balign 4096
root:       .skip 4096
pointers:   .skip 4096
directory:  .skip 4096
stack:      .skip 4096
stack_end:
