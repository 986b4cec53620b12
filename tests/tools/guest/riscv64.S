// The fake guest for riscv64; see x86_64.S. Boots as OpenSBI starts a nucleus, at 0x80200000 in supervisor
// mode with paging off, then runs in the upper half like the nucleus and at 4 MiB like a user. It knows
// one letter more:
//   r pass, and end the machine by a reset
// Context: the boot hart only, interrupts off, one page of stack. s11: what its command line tells it to do.

#define NUCLEUS 0xffffffc000000000
#define PHYSICAL 0x80200000
#define USER 0x400000
#define PAGE_BITS 0xcf                   // present, readable, writable, executable, accessed, dirty

.macro marker id
    .word 0x5e000037 | (\id) << 12
.endm

.macro print text
    lla a0, 1f
    call puts
    .section .rodata
1:  .asciz "\text"
    .section .text
.endm

.macro print_line text
    print "\text\n"
.endm

.macro load_big to, offset, base
    lbu \to, \offset(\base)
    lbu t0, \offset + 1(\base)
    slli \to, \to, 8
    or \to, \to, t0
    lbu t0, \offset + 2(\base)
    slli \to, \to, 8
    or \to, \to, t0
    lbu t0, \offset + 3(\base)
    slli \to, \to, 8
    or \to, \to, t0
.endm

    .section .text
    .globl start
start:
    j 0f
    .balign 8                            // the header that U-Boot's `booti` wants, from the eighth byte on
    .dword 0x200000, end - start, 0
    .word 2, 0
    .dword 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\5"
    .word 0
0:  lla sp, stack_end
    mv s0, a1
    call behaviour
    mv s11, a0
    lla t0, root                         // gigapages: 256 is the nucleus's, 2 where this runs now
    li t1, (PHYSICAL >> 30 << 28) | PAGE_BITS
    sd t1, 2 * 8(t0)
    li t2, 256 * 8
    add t2, t2, t0
    sd t1, (t2)
    lla t1, low_table                    // and 2 MiB at USER, by a table of megapages
    srli t2, t1, 2
    ori t2, t2, 1
    sd t2, (t0)
    li t2, (PHYSICAL >> 2) | PAGE_BITS
    sd t2, (USER >> 21) * 8(t1)
    srli t0, t0, 12
    li t1, 8 << 60
    or t0, t0, t1
    csrw satp, t0
    sfence.vma
    lla t0, high
    li t1, NUCLEUS - (PHYSICAL & ~0x3fffffff)
    add t0, t0, t1
    add sp, sp, t1
    jr t0
high:
    li t0, 'h'
    beq s11, t0, hang
    li t0, 'x'
    beq s11, t0, panic
    li t0, 't'
    beq s11, t0, reset
    li t0, 's'
    beq s11, t0, pass_exit
    li t0, 'l'
    beq s11, t0, flood
    print "fake guest\r\n"
    li t0, 'r'
    beq s11, t0, pass_and_reset
    li t0, 'f'
    beq s11, t0, fail
    li t0, 'm'
    beq s11, t0, malformed
    li t0, 'c'
    beq s11, t0, counted
    li t0, 'i'
    beq s11, t0, masked
    li t0, 'b'
    beq s11, t0, bench
    print_line "@test fake.one ok"
    print_line "@test fake.two ok with detail"
pass:
    print_line "@done pass"
pass_exit:
    li a0, 33
finish:                                  // a0: QEMU's status, by the test device
    slli a0, a0, 16
    li t0, 0x3333
    or a0, a0, t0
    lla t1, low_table                    // its page, at 0x100000, in the place of the one at 0
    li t0, PAGE_BITS
    sd t0, (t1)
    sfence.vma
    li t1, 0x100000
    sw a0, (t1)
hang:
    print_line "about to hang"
0:  j 0b
fail:
    print_line "@test fake.one ok"
    print_line "@test fake.two FAIL got 1 wanted 2"
    print_line "@done FAIL"
    li a0, 35
    j finish
panic:
    print_line "@panic"
    print_line "nucleus panic: told to"
    print_line "  #0 fake"
    print_line "@endpanic"
    li a0, 37
    j finish
malformed:
    print_line "@json {nonsense"
    j pass
pass_and_reset:
    print_line "@done pass"
reset:
    li a0, 1                             // SBI system reset: cold reboot, for no reason
    li a1, 0
    li a6, 0
    li a7, 0x53525354
    ecall
    j hang
flood:
    print "@"
0:  print_line "line after line after line after line after line after line after line after line"
    j 0b
bench:
    print_line "@meta {\"arch\":\"riscv64\",\"cpus\":1,\"counter\":\"time\",\"emulated\":true}"
    print "@json {\"name\":\"null_call\",\"unit\":\"t\","
    print_line "\"min\":1,\"median\":2,\"p99\":3,\"max\":4,\"n\":5}"
    j pass

// Interrupts off for 11 instructions, for 5 with two more turns of a loop that waits, and for 10, of which 9
// are a timer's until a thread wakes up.
masked:
    marker 6
    csrsi sstatus, 2
    nop
    csrci sstatus, 2
    .rept 10
    nop
    .endr
    csrsi sstatus, 2
    nop
    csrci sstatus, 2
    li t0, 3
1:  .4byte 0x0100000f                // pause
    addi t0, t0, -1
    bnez t0, 1b
    csrsi sstatus, 2
    nop
    csrci sstatus, 2
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
    csrsi sstatus, 2
    nop
    marker 7
    csrci sstatus, 2
    j pass

// Result 0: three rounds of 4 user and 6, 6, 16 nucleus instructions; the last with a call of the firmware.
// Result 1: one batch with 3 idle ones. Some of the instructions are compressed.
counted:
    marker 5
    marker 0x100
    li s1, 3
    li s2, NUCLEUS + (PHYSICAL & 0x3fffffff) - USER
next_round:
    lla t0, low
    sub t0, t0, s2
    lla t1, back
    li t2, 1
    jr t0
low:
    marker 1
    c.nop
    nop
    c.nop
    jr t1
back:
    nop
    bne s1, t2, 1f
    li a0, 0                             // a version, for the asking
    li a6, 0
    li a7, 0x10
    ecall
    .rept 6
    c.nop
    .endr
1:  nop
    nop
    c.nop
    nop
    marker 2
    addi s1, s1, -1
    bnez s1, next_round
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
    j pass

// Writes the string at a0 by SBI, character by character.
puts:
    mv t3, a0
0:  lbu a0, (t3)
    beqz a0, 1f
    addi t3, t3, 1
    li a7, 1
    ecall
    j 0b
1:  ret

// Returns the first character of /chosen/bootargs in the device tree at s0, which is the only property of
// that name; 0 if there is none. s1: the place in the tree, s2: the strings.
behaviour:
    load_big s1, 8, s0
    add s1, s1, s0
    load_big s2, 12, s0
    add s2, s2, s0
next_token:
    load_big t1, 0, s1
    addi s1, s1, 4
    li t2, 1
    bne t1, t2, 1f
0:  lbu t2, (s1)                         // a node: over its name
    addi s1, s1, 1
    bnez t2, 0b
    j align
1:  li t2, 3
    beq t1, t2, 2f
    li t2, 9
    bne t1, t2, next_token
    li a0, 0
    ret
2:  load_big t3, 0, s1                   // a property: length, name, value
    load_big t4, 4, s1
    addi s1, s1, 8
    add t4, t4, s2
    lla t5, bootargs
3:  lbu t1, (t4)
    lbu t2, (t5)
    bne t1, t2, 4f
    addi t4, t4, 1
    addi t5, t5, 1
    bnez t1, 3b
    lbu a0, (s1)
    ret
4:  add s1, s1, t3
align:
    addi s1, s1, 3
    andi s1, s1, -4
    j next_token

    .section .rodata
bootargs:
    .asciz "bootargs"

    .section .bss
    .balign 4096
root:       .skip 4096
low_table:  .skip 4096
stack:      .skip 4096
stack_end:
end:
