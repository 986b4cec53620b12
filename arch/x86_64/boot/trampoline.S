// Where a secondary CPU wakes up: real mode, CS = page / 16, IP = 0. boot code copies this to a page below 1
// MiB. Everything that it refers to lies in the nucleus image below 4 GiB, so that the copy needs no
// adjustment.
#define NUCLEUS_BASE 0xffffffff80000000
#define CODE32 0x18

    .section .rodata.trampoline, "a"
    .globl chorale_trampoline_begin, chorale_trampoline_end
    .code16
chorale_trampoline_begin:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl gdt_pointer - chorale_trampoline_begin
    movl %cr0, %eax
    andl $0x9fffffff, %eax // caches on
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $CODE32, $(chorale_secondary32 - NUCLEUS_BASE)
    .balign 4
gdt_pointer:
    .short 31
    .long chorale_boot_gdt - NUCLEUS_BASE
chorale_trampoline_end:
