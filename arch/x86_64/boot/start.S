// From the loader's 32-bit hand-over to C++ in the upper half, for the boot CPU (PVH or Multiboot2) and for
// the others (from boot/trampoline.S). The early page tables map the first 4 GiB one to one, at direct_base
// and, for the nucleus, at nucleus_base; boot/paging.cpp replaces them.
#define NUCLEUS_BASE 0xffffffff80000000
#define PHYSICAL(symbol) (symbol - NUCLEUS_BASE)

#define MULTIBOOT2_MAGIC 0xe85250d6
#define PVH_START_MAGIC 0x336ec578
#define CR0_BITS 0x80010033 /* PG, WP, NE, ET, MP, PE */
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define CODE64 0x08
#define DATA 0x10

    .section .head, "ax"

    .balign 8
multiboot_header:
    .long MULTIBOOT2_MAGIC, 0, multiboot_header_end - multiboot_header
    .long -(MULTIBOOT2_MAGIC + (multiboot_header_end - multiboot_header))
    .balign 8
    .short 1, 0 // information request: command line, loader, modules, memory map
    .long 24
    .long 1, 2, 3, 6
    .balign 8
    .short 1, 1 // optional: ACPI old, new
    .long 16
    .long 14, 15
    .balign 8
    .short 3, 0 // entry address
    .long 12
    .long PHYSICAL(chorale_multiboot_start)
    .balign 8
    .short 6, 0 // modules on page borders
    .long 8
    .balign 8
    .short 0, 0
    .long 8
multiboot_header_end:

    .code32
    .globl chorale_multiboot_start
chorale_multiboot_start:
    jmp boot_common

chorale_pvh_start:
    movl $PVH_START_MAGIC, %eax
boot_common:
    cli
    cld
    movl $PHYSICAL(chorale_boot_stack_top), %esp
    movl %eax, %edi
    movl %ebx, %esi
    lgdtl PHYSICAL(boot_gdt_pointer)
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    btl $29, %edx
    jnc no_long_mode
    call fill_early_tables
    movl $PHYSICAL(boot_main64), %ebp
    jmp enter_long_mode

// Leaves for the physical address in ebp, in 64-bit code.
enter_long_mode:
    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $PHYSICAL(chorale_early_root), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl $CR0_BITS, %eax
    movl %eax, %cr0
    ljmpl $CODE64, $PHYSICAL(long_mode)

// The boot CPU alone does this, once.
fill_early_tables:
    movl $PHYSICAL(early_low) + 3, PHYSICAL(chorale_early_root)
    movl $PHYSICAL(early_low) + 3, PHYSICAL(chorale_early_root) + 8 * 256
    movl $PHYSICAL(early_high) + 3, PHYSICAL(chorale_early_root) + 8 * 511
    movl $PHYSICAL(early_pages) + 0x0003, PHYSICAL(early_low)
    movl $PHYSICAL(early_pages) + 0x1003, PHYSICAL(early_low) + 8
    movl $PHYSICAL(early_pages) + 0x2003, PHYSICAL(early_low) + 16
    movl $PHYSICAL(early_pages) + 0x3003, PHYSICAL(early_low) + 24
    movl $PHYSICAL(early_pages) + 0x0003, PHYSICAL(early_high) + 8 * 510
    movl $PHYSICAL(early_pages), %ebx
    movl $0x83, %eax // present, writable, 2 MiB
1:  movl %eax, (%ebx)
    addl $8, %ebx
    addl $0x200000, %eax
    jnc 1b
    ret

no_long_mode:
    movl $PHYSICAL(no_long_mode_text), %esi
1:  movw $0x3fd, %dx
2:  inb %dx, %al
    testb $0x20, %al
    jz 2b
    lodsb
    testb %al, %al
    jz 3f
    movw $0x3f8, %dx
    outb %al, %dx
    jmp 1b
3:  cli
    hlt
    jmp 3b

// A secondary CPU in protected mode without paging, from the trampoline.
    .globl chorale_secondary32
chorale_secondary32:
    movw $DATA, %ax
    movw %ax, %ds
    movw %ax, %ss
    movl $PHYSICAL(secondary_main64), %ebp
    jmp enter_long_mode

    .code64
long_mode:
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl %ebp, %ebp
    movabsq $NUCLEUS_BASE, %rax
    addq %rax, %rbp
    jmpq *%rbp

boot_main64:
    movabsq $chorale_boot_stack_top, %rsp
    xorl %ebp, %ebp
    movl %edi, %edi
    movl %esi, %esi
    movabsq $chorale_boot, %rax
    callq *%rax
    ud2

// Finds this CPU's index by its APIC number, then its stack, and is gone from the early tables.
secondary_main64:
    xorl %eax, %eax
    cpuid
    movl %eax, %r8d
    movl $1, %eax
    cpuid
    movl %ebx, %edi
    shrl $24, %edi
    cmpl $0xb, %r8d
    jb 1f
    movl $0xb, %eax
    xorl %ecx, %ecx
    cpuid
    testl %ebx, %ebx
    jz 1f
    movl %edx, %edi
1:  movabsq $chorale_cpu_hardware_ids, %rsi
    movabsq $chorale_cpu_known, %rax
    movl (%rax), %ecx
    xorl %eax, %eax
2:  cmpl %ecx, %eax
    jae 4f
    cmpl %edi, (%rsi, %rax, 4)
    je 3f
    incl %eax
    jmp 2b
3:  movl %eax, %edi
    movl $MSR_EFER, %ecx
    rdmsr
    orl $0x800, %eax // NXE: the boot CPU has seen that there is NX
    wrmsr
    movabsq $chorale_nucleus_table_address, %rax
    movq (%rax), %rax
    movq %rax, %cr3
    movabsq $chorale_boot_stacks, %rax
    movq (%rax, %rdi, 8), %rsp
    xorl %ebp, %ebp
    movabsq $chorale_secondary, %rax
    callq *%rax
4:  cli
    hlt
    jmp 4b

    .section .rodata.boot, "a"
no_long_mode_text:
    .asciz "Chorale: this CPU has no 64-bit mode\r\n"
    .balign 8
    .globl chorale_boot_gdt
chorale_boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff // 64-bit code
    .quad 0x00cf93000000ffff // data
    .quad 0x00cf9b000000ffff // 32-bit code
boot_gdt_pointer:
    .short 31
    .long PHYSICAL(chorale_boot_gdt)

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, 18 // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad PHYSICAL(chorale_pvh_start)

    .section .bss.page_tables, "aw", @nobits
    .balign 4096
    .globl chorale_early_root
chorale_early_root:
    .skip 4096
early_low:
    .skip 4096
early_high:
    .skip 4096
early_pages:
    .skip 4 * 4096
    .globl chorale_boot_stack_bottom, chorale_boot_stack_top
chorale_boot_stack_bottom:
    .skip 4 * 4096
chorale_boot_stack_top:
