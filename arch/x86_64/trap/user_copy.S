// u64 chorale_copy_user(void* to, const void* from, size_t bytes): 0 when all was copied. One side is user
// memory, the other the nucleus's; the user side may fault, then the copy ends. Up to 64 bytes go by plain
// moves, as the start-up of REP MOVS costs more than they do.
#include <machine/asm.h>

    .text
    .balign 64
    .globl chorale_copy_user
chorale_copy_user:
    STAC
    cmpq $64, %rdx
    ja large
    cmpq $8, %rdx
    jb small
    // 8 to 64: whole words from the front, the last word from the back, where the two may overlap.
    leaq -1(%rdx), %rcx
    shrq $3, %rcx
    jz last_word
next_word:
    MAY_FAULT(copy_failed, movq (%rsi), %rax)
    MAY_FAULT(copy_failed, movq %rax, (%rdi))
    addq $8, %rsi
    addq $8, %rdi
    subq $8, %rdx
    decl %ecx
    jnz next_word
last_word:
    MAY_FAULT(copy_failed, movq -8(%rsi, %rdx), %rax)
    MAY_FAULT(copy_failed, movq %rax, -8(%rdi, %rdx))
done:
    CLAC
    xorl %eax, %eax
    ret
large:
    movq %rdx, %rcx
    shrq $3, %rcx
    MAY_FAULT(copy_failed, rep movsq)
    andl $7, %edx
    jz done
small:
    testl %edx, %edx
    jz done
    MAY_FAULT(copy_failed, movb (%rsi), %al)
    MAY_FAULT(copy_failed, movb %al, (%rdi))
    incq %rsi
    incq %rdi
    decl %edx
    jmp small
copy_failed:
    CLAC
    movl $1, %eax
    ret
