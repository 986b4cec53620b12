// The functions that the compiler takes for granted. String instructions: fast on every CPU of the last
// decade for anything that is long, and one counted instruction for each word.
    .text
    .balign 16
    .globl memcpy
memcpy:
    movq %rdi, %rax
    movq %rdx, %rcx
    shrq $3, %rcx
    rep movsq
    movl %edx, %ecx
    andl $7, %ecx
    rep movsb
    ret

    .balign 16
    .globl memmove
memmove:
    movq %rdi, %rcx
    subq %rsi, %rcx
    cmpq %rdx, %rcx // below: the target begins inside the source
    jae memcpy
    movq %rdi, %rax
    movq %rdx, %rcx
    leaq -1(%rdi, %rdx), %rdi
    leaq -1(%rsi, %rdx), %rsi
    std
    rep movsb
    cld
    ret

    .balign 16
    .globl memset
memset:
    movq %rdi, %r8
    movzbl %sil, %eax
    movabsq $0x0101010101010101, %rcx
    imulq %rcx, %rax
    movq %rdx, %rcx
    shrq $3, %rcx
    rep stosq
    movl %edx, %ecx
    andl $7, %ecx
    rep stosb
    movq %r8, %rax
    ret

    .balign 16
    .globl memcmp
memcmp:
    movq %rdx, %rcx
    cmpq %rdx, %rdx // equal, when there is nothing to compare
    repe cmpsb
    je 1f
    movzbl -1(%rdi), %eax
    movzbl -1(%rsi), %ecx
    subl %ecx, %eax
    ret
1:  xorl %eax, %eax
    ret

    .balign 16
    .globl strlen
strlen:
    xorl %eax, %eax
1:  cmpb $0, (%rdi, %rax)
    je 2f
    incq %rax
    jmp 1b
2:  ret

    .balign 16
    .globl memchr
memchr:
    xorl %eax, %eax
    movq %rdx, %rcx
    jrcxz 2f
    movl %esi, %eax
    repne scasb
    leaq -1(%rdi), %rax
    je 2f
    xorl %eax, %eax
2:  ret
