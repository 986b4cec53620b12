/* ipcCall, ipcSend, ipcReceive, ipcReplyReceive: bodies of at most 64 bytes without annex travel in registers
 * (chorus/message_registers.h), all others by the *Message calls.
 *
 * Invariants: no byte beyond the sender's bodySize is read, none beyond the receiver's room is written; a
 * register of the eight that the body does not fill is sent as 0, so that nothing leaks to the peer. No load
 * and no store is misaligned, wherever the body lies: firmware may have to emulate one. */
#include <chorus/message_registers.h>

#define DESC_FLAGS 0
#define DESC_SIZE 4
#define DESC_BODY 8
#define DESC_ANNEX 16
#define DESC_SEQUENCE 24
#define GROUP_BIT 50 /* of a name's head (ipc/chId.h) */

/* A supervisor actor calls the nucleus where a user actor traps. */
#ifdef CHORUS_SUPERVISOR
    .macro enter_nucleus
7101:
    auipc   t0, %got_pcrel_hi(nucleusMessage)
    ld      t0, %pcrel_lo(7101b)(t0)
    jalr    t0
    .endm
    .macro call_by_descriptor
    tail    ipcCallMessage@plt
    .endm
    .macro send_by_descriptor
    tail    ipcSendMessage@plt
    .endm
#else
    .macro enter_nucleus
    ecall
    .endm
    .macro call_by_descriptor
    li      a7, CHORUS_CALL_BASE + MESSAGE_IPC_CALL
    ecall
    ret
    .endm
    .macro send_by_descriptor
    li      a7, CHORUS_CALL_BASE + MESSAGE_IPC_SEND
    ecall
    ret
    .endm
#endif

/* A message call keeps s0 and s1 of what C keeps; s1 is needed here. */
#define SAVED_PORTLI 8
#define SAVED_BYTES 112

    .macro function name
    .section .text.\name, "ax", @progbits
    .globl \name
    .type \name, @function
    .p2align 4
\name:
    .endm

    .macro save_registers
    addi    sp, sp, -SAVED_BYTES
    sd      ra, 0(sp)
    sd      s1, 16(sp)
    sd      s2, 24(sp)
    sd      s3, 32(sp)
    sd      s4, 40(sp)
    sd      s5, 48(sp)
    sd      s6, 56(sp)
    sd      s7, 64(sp)
    sd      s8, 72(sp)
    sd      s9, 80(sp)
    sd      s10, 88(sp)
    sd      s11, 96(sp)
    .endm

    .macro restore_registers
    ld      ra, 0(sp)
    ld      s1, 16(sp)
    ld      s2, 24(sp)
    ld      s3, 32(sp)
    ld      s4, 40(sp)
    ld      s5, 48(sp)
    ld      s6, 56(sp)
    ld      s7, 64(sp)
    ld      s8, 72(sp)
    ld      s9, 80(sp)
    ld      s10, 88(sp)
    ld      s11, 96(sp)
    addi    sp, sp, SAVED_BYTES
    .endm

    .macro load_all base
    ld      t3, 0(\base)
    ld      t4, 8(\base)
    ld      t5, 16(\base)
    ld      t6, 24(\base)
    ld      s2, 32(\base)
    ld      s3, 40(\base)
    ld      s4, 48(\base)
    ld      s5, 56(\base)
    .endm

    .macro store_all base
    sd      t3, 0(\base)
    sd      t4, 8(\base)
    sd      t5, 16(\base)
    sd      t6, 24(\base)
    sd      s2, 32(\base)
    sd      s3, 40(\base)
    sd      s4, 48(\base)
    sd      s5, 56(\base)
    .endm

/* a5 = the size of a body in the descriptor `base` that goes in registers; else to `not`. t2 = 64. */
    .macro take_size base, not
    ld      t1, DESC_ANNEX(\base)
    lwu     a5, DESC_SIZE(\base)
    bnez    t1, \not
    li      t2, MESSAGE_REGISTER_BYTES
    bltu    t2, a5, \not
    .endm

/* \to = MESSAGE_ABORTABLE if the descriptor `base` says K_ABORTABLE, else 0. */
    .macro take_abortable to, base
    lw      \to, DESC_FLAGS(\base)
    andi    \to, \to, 1
    slli    \to, \to, 16
    .endm

/* Eight whole words, size in a5 and 64 in t2, body in a4; to `not` if it is anything else. */
    .macro load_whole not
    bne     a5, t2, \not
    andi    t1, a4, 7
    bnez    t1, \not
    load_all a4
    .endm

/* The 64 bytes that came, to the body of the descriptor in s1; to `not` if they do not fit or it is
 * misaligned. */
    .macro store_whole not
    lwu     t1, DESC_SIZE(s1)
    ld      a4, DESC_BODY(s1)
    bltu    t1, a0, \not
    andi    t1, a4, 7
    bnez    t1, \not
    store_all a4
    .endm

/* int ipcCall(reqmsg a0, reqsrc a1, reqdest a2, repmsg a3, delay a4) */
    function ipcCall
    bgez    a4, 8f
    bnez    a1, 8f /* K_DEFAULTPORT */
    ld      a1, 0(a2)
    slli    t0, a1, 63 - GROUP_BIT
    bltz    t0, 7f /* the registers have no room for coTarget */
    take_size a0, 7f
    save_registers
    mv      s1, a3
    ld      a4, DESC_BODY(a0)
    take_abortable t1, s1
    ld      a2, 8(a2)
    or      a3, a5, t1
    li      a7, MESSAGE_CALL_NUMBER
    load_whole 2f
1:  enter_nucleus
    li      t1, MESSAGE_REGISTER_BYTES
    bne     a0, t1, 4f
    store_whole 5f
3:  restore_registers
    ret
2:  call    load_words
    j       1b
4:  bltu    t1, a0, 6f
5:  call    store_words
    j       3b
6:  sext.w  a0, a0 /* an error; or the size of a body that the nucleus wrote, without MESSAGE_STORED */
    j       3b
7:  li      a1, 0 /* K_DEFAULTPORT, as it was */
8:  call_by_descriptor
    .size ipcCall, . - ipcCall

/* int ipcSend(msg a0, msgsrc a1, msgdest a2) */
    function ipcSend
    ld      t0, 0(a2)
    slli    t1, t0, 63 - GROUP_BIT
    bltz    t1, 8f /* the registers have no room for coTarget */
    take_size a0, 8f
    save_registers
    slli    a3, a1, MESSAGE_SOURCE_SHIFT
    li      t1, MESSAGE_CONTROL(MESSAGE_SEND, 0)
    mv      a1, t0
    ld      a2, 8(a2)
    ld      a4, DESC_BODY(a0)
    or      a3, a3, a5
    or      a3, a3, t1
    li      a7, CHORUS_CALL_BASE + MESSAGE_SEND
    load_whole 2f
1:  enter_nucleus
    restore_registers
    ret
2:  call    load_words
    j       1b
8:  send_by_descriptor
    .size ipcSend, . - ipcSend

/* int ipcReplyReceive(reply a0, msg a1, portli a2, delay a3)
 * At `received`: s1 = msg, portli on the stack. */
    function ipcReplyReceive
    bgez    a3, 8f
    take_size a0, 8f
    save_registers
    sd      a2, SAVED_PORTLI(sp)
    mv      s1, a1
    ld      a4, DESC_BODY(a0)
    take_abortable t1, s1
    lw      a1, 0(a2)
    li      a2, 0
    or      a3, a5, t1
    addi    a3, a3, MESSAGE_CONTROL(MESSAGE_REPLY_RECEIVE, 0)
    slli    a7, a3, MESSAGE_REPLY_SHIFT
    load_whole 7f
1:  enter_nucleus
received:
    bltz    a0, 3f
    ld      t0, SAVED_PORTLI(sp)
    li      t1, MESSAGE_REGISTER_BYTES
    sw      a1, 0(t0)
    sw      a2, DESC_SEQUENCE(s1)
    bne     a0, t1, 5f
    store_whole 4f
3:  restore_registers
    ret
4:  call    store_words
    j       3b
5:  bltu    a0, t1, 4b
    sext.w  a0, a0 /* MESSAGE_STORED: the nucleus wrote the body */
    j       3b
7:  call    load_words
    j       1b
8:  addi    sp, sp, -32
    sd      ra, 0(sp)
    sd      a1, 8(sp)
    sd      a2, 16(sp)
    sd      a3, 24(sp)
    call    ipcReply
    mv      t0, a0
    ld      ra, 0(sp)
    ld      a0, 8(sp)
    ld      a1, 16(sp)
    ld      a2, 24(sp)
    addi    sp, sp, 32
    bltz    t0, 9f
    tail    ipcReceive
9:  mv      a0, t0
    ret
    .size ipcReplyReceive, . - ipcReplyReceive

/* int ipcReceive(msg a0, portli a1, delay a2) */
    function ipcReceive
    save_registers
    sd      a1, SAVED_PORTLI(sp)
    mv      s1, a0
    take_abortable t1, s1
    li      a3, MESSAGE_CONTROL(MESSAGE_RECEIVE, 0)
    or      a3, a3, t1
    ld      t1, DESC_BODY(s1)
    bnez    t1, 1f
    li      t1, MESSAGE_KEEPS
    or      a3, a3, t1
1:  lw      a1, 0(a1)
    li      a7, CHORUS_CALL_BASE + MESSAGE_RECEIVE
    enter_nucleus
    j       received
    .size ipcReceive, . - ipcReceive

/* In: a4 = body, a5 = its size <= 64. Out: the eight words; keeps s1, a1, a2, a3, a7. */
    .section .text.load_words, "ax", @progbits
    .type load_words, @function
    .p2align 4
load_words:
    andi    t1, a4, 7
    beqz    t1, load_aligned
    addi    sp, sp, -MESSAGE_REGISTER_BYTES
    mv      a6, sp
    mv      t2, a5
    call    t0, copy_bytes
    mv      a4, sp
    mv      s8, ra
    call    load_aligned
    mv      ra, s8
    addi    sp, sp, MESSAGE_REGISTER_BYTES
    ret

load_aligned:
    li      t0, 0 /* becomes the last, partly filled word */
    andi    t1, a5, 7
    beqz    t1, 4f
    andi    a6, a5, 0x78
    add     a6, a4, a6
    li      s7, 0 /* bits of it so far */
    andi    t1, a5, 4
    beqz    t1, 2f
    lwu     t0, 0(a6)
    addi    a6, a6, 4
    li      s7, 32
2:  andi    t1, a5, 2
    beqz    t1, 3f
    lhu     s6, 0(a6)
    addi    a6, a6, 2
    sll     s6, s6, s7
    or      t0, t0, s6
    addi    s7, s7, 16
3:  andi    t1, a5, 1
    beqz    t1, 4f
    lbu     s6, 0(a6)
    sll     s6, s6, s7
    or      t0, t0, s6
4:  li      t3, 0
    li      t4, 0
    li      t5, 0
    li      t6, 0
    li      s2, 0
    li      s3, 0
    li      s4, 0
    li      s5, 0
    la      t1, load_entries
    andi    t2, a5, 0x78
    add     t1, t1, t2
    jr      t1
    /* An entry for each number of whole words, eight bytes apart. */
    .option push
    .option norvc
load_entries:
    mv      t3, t0
    j       .Lload0
    mv      t4, t0
    j       .Lload1
    mv      t5, t0
    j       .Lload2
    mv      t6, t0
    j       .Lload3
    mv      s2, t0
    j       .Lload4
    mv      s3, t0
    j       .Lload5
    mv      s4, t0
    j       .Lload6
    mv      s5, t0
    j       .Lload7
    .option pop
    ld      s5, 56(a4)
.Lload7:
    ld      s4, 48(a4)
.Lload6:
    ld      s3, 40(a4)
.Lload5:
    ld      s2, 32(a4)
.Lload4:
    ld      t6, 24(a4)
.Lload3:
    ld      t5, 16(a4)
.Lload2:
    ld      t4, 8(a4)
.Lload1:
    ld      t3, 0(a4)
.Lload0:
    ret
    .size load_words, . - load_words

/* In: s1 = descriptor, a0 = size of the body as sent (<= 64), the eight words. Stores what there is room for;
 * keeps a0. */
    .section .text.store_words, "ax", @progbits
    .type store_words, @function
    .p2align 4
store_words:
    lwu     t2, DESC_SIZE(s1)
    ld      a6, DESC_BODY(s1)
    bleu    t2, a0, 1f
    mv      t2, a0
1:  andi    t1, a6, 7
    beqz    t1, store_aligned
    addi    sp, sp, -MESSAGE_REGISTER_BYTES
    store_all sp
    mv      a4, sp
    call    t0, copy_bytes
    addi    sp, sp, MESSAGE_REGISTER_BYTES
    ret

store_aligned:
    la      t1, store_entries
    andi    t0, t2, 0x78
    add     t1, t1, t0
    jr      t1
    /* An entry for each number of whole words, eight bytes apart; the word behind them goes to t0. */
    .option push
    .option norvc
store_entries:
    mv      t0, t3
    j       .Lstore0
    mv      t0, t4
    j       .Lstore1
    mv      t0, t5
    j       .Lstore2
    mv      t0, t6
    j       .Lstore3
    mv      t0, s2
    j       .Lstore4
    mv      t0, s3
    j       .Lstore5
    mv      t0, s4
    j       .Lstore6
    mv      t0, s5
    j       .Lstore7
    .option pop
    sd      s5, 56(a6)
.Lstore7:
    sd      s4, 48(a6)
.Lstore6:
    sd      s3, 40(a6)
.Lstore5:
    sd      s2, 32(a6)
.Lstore4:
    sd      t6, 24(a6)
.Lstore3:
    sd      t5, 16(a6)
.Lstore2:
    sd      t4, 8(a6)
.Lstore1:
    sd      t3, 0(a6)
.Lstore0:
    andi    t1, t2, 7
    beqz    t1, 4f
    andi    t1, t2, 0x78
    add     a6, a6, t1
    andi    t1, t2, 4
    beqz    t1, 2f
    sw      t0, 0(a6)
    addi    a6, a6, 4
    srli    t0, t0, 32
2:  andi    t1, t2, 2
    beqz    t1, 3f
    sh      t0, 0(a6)
    addi    a6, a6, 2
    srli    t0, t0, 16
3:  andi    t1, t2, 1
    beqz    t1, 4f
    sb      t0, 0(a6)
4:  ret
    .size store_words, . - store_words

/* In: a4 = from, a6 = to, t2 = number of bytes; returns to t0. Changes these, t1, s6, s7. Four bytes at a
 * time where both sides allow it: structures are seldom less aligned. */
    .section .text.copy_bytes, "ax", @progbits
    .type copy_bytes, @function
    .p2align 4
copy_bytes:
    or      t1, a4, a6
    andi    t1, t1, 3
    bnez    t1, 3f
    li      s7, 4
1:  bltu    t2, s7, 3f
    lw      s6, 0(a4)
    sw      s6, 0(a6)
    addi    a4, a4, 4
    addi    a6, a6, 4
    addi    t2, t2, -4
    j       1b
2:  lbu     s6, 0(a4)
    sb      s6, 0(a6)
    addi    a4, a4, 1
    addi    a6, a6, 1
    addi    t2, t2, -1
3:  bnez    t2, 2b
    jr      t0
    .size copy_bytes, . - copy_bytes

    .section .note.GNU-stack, "", @progbits
