/* ipcCall, ipcSend, ipcReceive, ipcReplyReceive: bodies of at most 64 bytes without annex travel in registers
 * (chorus/message_registers.h), all others by the *Message calls.
 *
 * Invariants: no byte beyond the sender's bodySize is read, none beyond the receiver's room is written; a
 * register of the eight that the body does not fill is sent as 0, so that nothing leaks to the peer. */
#include <chorus/message_registers.h>

#define DESC_FLAGS 0
#define DESC_SIZE 4
#define DESC_BODY 8
#define DESC_ANNEX 16
#define DESC_SEQUENCE 24
#define GROUP_BIT 50 /* of a name's head (ipc/chId.h) */
#define MESSAGE_REPLY_OFFSET (MESSAGE_REPLY_NUMBER - 0x100000000) /* a displacement is signed */

/* A supervisor actor calls the nucleus where a user actor traps. */
#ifdef CHORUS_SUPERVISOR
#define ENTER_NUCLEUS callq *nucleusMessage@GOTPCREL(%rip)
#define CALL_BY_DESCRIPTOR jmpq *ipcCallMessage@GOTPCREL(%rip)
#define SEND_BY_DESCRIPTOR jmpq *ipcSendMessage@GOTPCREL(%rip)
#else
#define ENTER_NUCLEUS syscall
#define CALL_BY_DESCRIPTOR movq %rcx, %r10; movl $CHORUS_CALL_BASE + MESSAGE_IPC_CALL, %eax; syscall; ret
#define SEND_BY_DESCRIPTOR movl $CHORUS_CALL_BASE + MESSAGE_IPC_SEND, %eax; syscall; ret
#endif

/* Supervisor actors and programs that move themselves: the tables are relocated at load. */
#if defined(CHORUS_SUPERVISOR) || defined(__PIC__)
#define TABLE_SECTION(name) .section .data.rel.ro.name, "aw", @progbits
#define MOVABLE 1
#else
#define TABLE_SECTION(name) .section .rodata.name, "a", @progbits
#define MOVABLE 0
#endif

    .macro function name
    .section .text.\name, "ax", @progbits
    .globl \name
    .type \name, @function
    .p2align 4
\name:
    .endm

    /* To entry rax of the table; rax is lost. */
    .macro jump_by table
#if MOVABLE
    pushq %rcx
    leaq \table(%rip), %rcx
    movq (%rcx,%rax,8), %rax
    popq %rcx
    jmpq *%rax
#else
    jmpq *\table(,%rax,8)
#endif
    .endm

    .macro save_registers
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    .endm

    .macro restore_registers
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    .endm

    .macro load_all base
    movq (\base), %r12
    movq 8(\base), %r13
    movq 16(\base), %r14
    movq 24(\base), %r15
    movq 32(\base), %rdi
    movq 40(\base), %rsi
    movq 48(\base), %rdx
    movq 56(\base), %r8
    .endm

    .macro store_all base
    movq %r12, (\base)
    movq %r13, 8(\base)
    movq %r14, 16(\base)
    movq %r15, 24(\base)
    movq %rdi, 32(\base)
    movq %rsi, 40(\base)
    movq %rdx, 48(\base)
    movq %r8, 56(\base)
    .endm

/* int ipcCall(reqmsg rdi, reqsrc esi, reqdest rdx, repmsg rcx, delay r8d) */
    function ipcCall
    testl %r8d, %r8d
    jns 8f
    testl %esi, %esi /* K_DEFAULTPORT */
    jne 8f
    movq (%rdx), %r9
    btq $GROUP_BIT, %r9 /* the registers have no room for coTarget */
    jc 8f
    movl DESC_SIZE(%rdi), %eax
    cmpq $0, DESC_ANNEX(%rdi)
    jne 8f
    movl DESC_FLAGS(%rcx), %r11d
    andl $1, %r11d
    shll $16, %r11d /* K_ABORTABLE to MESSAGE_ABORTABLE */
    cmpl $MESSAGE_REGISTER_BYTES, %eax
    ja 8f
    save_registers
    movq %rcx, %rbx
    movq 8(%rdx), %r10
    movq DESC_BODY(%rdi), %rcx
    jne 2f
    load_all %rcx
    leal (MESSAGE_REGISTER_BYTES << MESSAGE_SIZE_SHIFT | MESSAGE_CALL_NUMBER)(%r11), %eax
1:  ENTER_NUCLEUS
    cmpq $MESSAGE_REGISTER_BYTES, %rax
    jne 4f
    cmpl %eax, DESC_SIZE(%rbx)
    jb 5f
    movq DESC_BODY(%rbx), %rcx
    store_all %rcx
3:  restore_registers
    ret
2:  call load_words
    shll $MESSAGE_SIZE_SHIFT, %eax
    leal MESSAGE_CALL_NUMBER(%rax,%r11), %eax
    jmp 1b
4:  ja 3b /* an error; or MESSAGE_STORED, with the size in eax */
5:  call store_words
    jmp 3b
8:  CALL_BY_DESCRIPTOR
    .size ipcCall, . - ipcCall

/* int ipcSend(msg rdi, msgsrc esi, msgdest rdx) */
    function ipcSend
    cmpq $0, DESC_ANNEX(%rdi)
    jne 8f
    movq (%rdx), %r9
    btq $GROUP_BIT, %r9 /* the registers have no room for coTarget */
    jc 8f
    movl DESC_SIZE(%rdi), %eax
    movq %rsi, %r11
    shlq $MESSAGE_SOURCE_SHIFT, %r11
    cmpl $MESSAGE_REGISTER_BYTES, %eax
    ja 8f
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq 8(%rdx), %r10
    movq DESC_BODY(%rdi), %rcx
    jne 2f
    load_all %rcx
1:  shll $MESSAGE_SIZE_SHIFT, %eax
    orq %r11, %rax
    orq $CHORUS_CALL_BASE + MESSAGE_SEND, %rax
    ENTER_NUCLEUS
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    ret
2:  call load_words
    jmp 1b
8:  SEND_BY_DESCRIPTOR
    .size ipcSend, . - ipcSend

/* int ipcReplyReceive(reply rdi, msg rsi, portli rdx, delay ecx)
 * At `received`: rbx = msg, portli on the stack. */
    function ipcReplyReceive
    testl %ecx, %ecx
    jns 8f
    movl DESC_SIZE(%rdi), %eax
    cmpq $0, DESC_ANNEX(%rdi)
    jne 8f
    movl DESC_FLAGS(%rsi), %r11d
    andl $1, %r11d
    shll $16, %r11d
    cmpl $MESSAGE_REGISTER_BYTES, %eax
    ja 8f
    save_registers
    pushq %rdx
    movq %rsi, %rbx
    movslq (%rdx), %r9
    movq DESC_BODY(%rdi), %rcx
    jne 7f
    load_all %rcx
    leal (MESSAGE_REGISTER_BYTES << MESSAGE_SIZE_SHIFT) + MESSAGE_REPLY_OFFSET(%r11), %eax
1:  xorl %r10d, %r10d
    ENTER_NUCLEUS
received:
    popq %rcx
    cmpq $MESSAGE_REGISTER_BYTES, %rax
    jne 5f
    movl %r9d, (%rcx)
    movl %r10d, DESC_SEQUENCE(%rbx)
    cmpl %eax, DESC_SIZE(%rbx)
    jb 4f
    movq DESC_BODY(%rbx), %rcx
    store_all %rcx
3:  restore_registers
    ret
4:  call store_words
    jmp 3b
5:  testq %rax, %rax
    js 3b
    movl %r9d, (%rcx)
    movl %r10d, DESC_SEQUENCE(%rbx)
    cmpq $MESSAGE_REGISTER_BYTES, %rax
    jb 4b
    jmp 3b /* MESSAGE_STORED: the nucleus wrote the body */
7:  call load_words
    shll $MESSAGE_SIZE_SHIFT, %eax
    leal MESSAGE_REPLY_OFFSET(%rax,%r11), %eax
    jmp 1b
8:  pushq %rsi
    pushq %rdx
    pushq %rcx
    call ipcReply
    popq %rdx
    popq %rsi
    popq %rdi
    testl %eax, %eax
    jns ipcReceive
    ret
    .size ipcReplyReceive, . - ipcReplyReceive

/* int ipcReceive(msg rdi, portli rsi, delay edx) */
    function ipcReceive
    save_registers
    pushq %rsi
    movq %rdi, %rbx
    movl DESC_FLAGS(%rdi), %eax
    andl $1, %eax
    shll $16, %eax
    orl $CHORUS_CALL_BASE + MESSAGE_RECEIVE, %eax
    cmpq $0, DESC_BODY(%rdi)
    je 2f
1:  movslq (%rsi), %r9
    movslq %edx, %r10
    ENTER_NUCLEUS
    jmp received
2:  orl $MESSAGE_KEEPS, %eax
    jmp 1b
    .size ipcReceive, . - ipcReceive

/* In: rcx = body, eax = its size < 64. Out: the eight words; keeps rax, rbx, r9, r10, r11. */
    .section .text.load_words, "ax", @progbits
    .type load_words, @function
    .p2align 4
load_words:
    pushq %rax
    pushq %r11
    xorl %r11d, %r11d /* becomes the last, partly filled word */
    movq %rcx, %r12
    movl %eax, %ecx
    andl $7, %ecx
    je 2f
    cmpl $8, %eax
    jb 1f
    /* The last eight bytes of the body, shifted down to the part that is not in a whole word. */
    movq -8(%r12,%rax), %r11
    negl %ecx
    shll $3, %ecx /* the shift takes it modulo 64: 64 - 8 * part */
    shrq %cl, %r11
    jmp 2f
1:  leaq (%r12,%rax), %rdx
    testl $1, %eax
    je 3f
    decq %rdx
    movzbl (%rdx), %r11d
3:  testl $2, %eax
    je 4f
    subq $2, %rdx
    shlq $16, %r11
    movzwl (%rdx), %ecx
    orq %rcx, %r11
4:  testl $4, %eax
    je 2f
    shlq $32, %r11
    movl (%r12), %ecx
    orq %rcx, %r11
2:  movq %r12, %rcx
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    xorl %edi, %edi
    xorl %esi, %esi
    xorl %edx, %edx
    xorl %r8d, %r8d
    shrl $3, %eax
    jump_by load_table
.Lload7:
    movq %r11, %r8
    movq 48(%rcx), %rdx
    jmp .Lwhole6
.Lload6:
    movq %r11, %rdx
.Lwhole6:
    movq 40(%rcx), %rsi
    jmp .Lwhole5
.Lload5:
    movq %r11, %rsi
.Lwhole5:
    movq 32(%rcx), %rdi
    jmp .Lwhole4
.Lload4:
    movq %r11, %rdi
.Lwhole4:
    movq 24(%rcx), %r15
    jmp .Lwhole3
.Lload3:
    movq %r11, %r15
.Lwhole3:
    movq 16(%rcx), %r14
    jmp .Lwhole2
.Lload2:
    movq %r11, %r14
.Lwhole2:
    movq 8(%rcx), %r13
    jmp .Lwhole1
.Lload1:
    movq %r11, %r13
.Lwhole1:
    movq (%rcx), %r12
    jmp .Lwhole0
.Lload0:
    movq %r11, %r12
.Lwhole0:
    popq %r11
    popq %rax
    ret
    .size load_words, . - load_words

    TABLE_SECTION(load_table)
    .p2align 3
load_table:
    .quad .Lload0, .Lload1, .Lload2, .Lload3, .Lload4, .Lload5, .Lload6, .Lload7

/* In: rbx = descriptor, rax = size of the body as sent (<= 64), the eight words. Stores what there is room
 * for; keeps rax. */
    .section .text.store_words, "ax", @progbits
    .type store_words, @function
    .p2align 4
store_words:
    pushq %rax
    cmpl %eax, DESC_SIZE(%rbx)
    cmovbl DESC_SIZE(%rbx), %eax
    movq DESC_BODY(%rbx), %rcx
    movl %eax, %r11d
    shrl $3, %eax
    jump_by store_table
.Lstore8:
    movq %r8, 56(%rcx)
    jmp .Lkeep7
.Lstore7:
    movq %r8, %rax
.Lkeep7:
    movq %rdx, 48(%rcx)
    jmp .Lkeep6
.Lstore6:
    movq %rdx, %rax
.Lkeep6:
    movq %rsi, 40(%rcx)
    jmp .Lkeep5
.Lstore5:
    movq %rsi, %rax
.Lkeep5:
    movq %rdi, 32(%rcx)
    jmp .Lkeep4
.Lstore4:
    movq %rdi, %rax
.Lkeep4:
    movq %r15, 24(%rcx)
    jmp .Lkeep3
.Lstore3:
    movq %r15, %rax
.Lkeep3:
    movq %r14, 16(%rcx)
    jmp .Lkeep2
.Lstore2:
    movq %r14, %rax
.Lkeep2:
    movq %r13, 8(%rcx)
    jmp .Lkeep1
.Lstore1:
    movq %r13, %rax
.Lkeep1:
    movq %r12, (%rcx)
    jmp .Lkeep0
.Lstore0:
    movq %r12, %rax
.Lkeep0:
    testl $7, %r11d
    je 3f
    movl %r11d, %edx
    andl $0x78, %edx
    addq %rdx, %rcx
    testl $4, %r11d
    je 1f
    movl %eax, (%rcx)
    addq $4, %rcx
    shrq $32, %rax
1:  testl $2, %r11d
    je 2f
    movw %ax, (%rcx)
    addq $2, %rcx
    shrq $16, %rax
2:  testl $1, %r11d
    je 3f
    movb %al, (%rcx)
3:  popq %rax
    ret
    .size store_words, . - store_words

    TABLE_SECTION(store_table)
    .p2align 3
store_table:
    .quad .Lstore0, .Lstore1, .Lstore2, .Lstore3, .Lstore4, .Lstore5, .Lstore6, .Lstore7, .Lstore8

    .section .note.GNU-stack, "", @progbits
