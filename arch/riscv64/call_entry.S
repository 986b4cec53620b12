// Where every trap comes in, and the way of nucleus calls from there. Interrupts are off. sscratch holds this
// CPU's block while the CPU is in user mode and 0 while it is in the nucleus: so the first two instructions
// tell where the trap came from. Of the user's registers none is free but those that the call convention
// gives up (chorus/machine_registers.h), and nothing is pushed before sp is ours.
//
// The nucleus is compiled without t3 to t6: half of a message stays there on its way. The other half is in s2
// to s5, which C++ functions keep by themselves. It does without t2 too, so that a short call need not clear
// it.
//
// Two copies: with the fast path switched off messages go straight to the slow path. A trace has an entry
// before that.
#include <chorus/message_registers.h>
#include <machine/entry.h>

#define CAUSE_USER_CALL 8
#define CALL_BYTES 4 // an ecall's length
#define TRACED_SIZE 112

// The thread goes to \thread, its tp and pc behind the call are saved; t1 is lost.
.macro enter_thread thread
    sd      sp, FRAME(SP)(\thread)
    csrrw   t1, sscratch, zero
    sd      t1, FRAME(TP)(\thread)
    csrr    t1, sepc
    addi    t1, t1, CALL_BYTES
    sd      t1, FRAME(PC)(\thread)
    sd      gp, FRAME(GP)(\thread)
    sd      s0, FRAME(S0)(\thread)
    sd      s1, FRAME(S1)(\thread)
.endm

// What the fast path keeps of the caller. It needs no stack.
.macro enter_message target
    ld      a0, CPU_CURRENT(tp)
    enter_thread a0
    j       \target
.endm

.macro scrub registers:vararg
    .irp register, \registers
        li      \register, 0
    .endr
.endm

.macro define_trap_entry name, call_target, reply_target, foreign_target
    .global \name
    .type \name, @function
    .balign 64                          // stvec: 4 would do
\name:
    csrrw   tp, sscratch, tp
    beqz    tp, chorale_trap_inside
    sd      t0, CPU_SCRATCH(tp)
    csrr    t0, scause
    addi    t0, t0, -CAUSE_USER_CALL
    bnez    t0, .Ltrap_\@
    bgeu    a7, tp, .Lcall_\@           // the block's address parts the negative numbers
    bltz    a7, .Lreply_\@
    srli    t0, a7, CALL_LIST_SHIFT
    addi    t0, t0, -(CHORUS_CALL_BASE >> CALL_LIST_SHIFT)
    bnez    t0, .Lblock_\@

    // A leaf call: a plain C function; it keeps the callee-saved registers, what else it may have used is
    // scrubbed.
    mv      t0, sp
    ld      sp, CPU_STACK_TOP(tp)
    sd      t0, LEAF_SP(sp)
    csrrw   t0, sscratch, zero
    sd      t0, LEAF_TP(sp)
    sd      ra, LEAF_RA(sp)
    find_call leaf_call_table, CHORUS_CALL_BASE
    jalr    t1
    lw      t1, CPU_PENDING(tp)
    csrr    t0, sepc                    // whatever lets traps in meanwhile puts it back
    addi    t0, t0, CALL_BYTES
    bnez    t1, .Lpreempted_\@
    csrw    sepc, t0
    csrw    sscratch, tp
    ld      ra, LEAF_RA(sp)
    ld      tp, LEAF_TP(sp)
    ld      sp, LEAF_SP(sp)
    scrub   t0, t1, a1, a2, a3, a4, a5, a6, a7
    sret

.Lpreempted_\@:                         // a better thread became ready: the caller waits with its result
    ld      a1, CPU_CURRENT(tp)
    sd      t0, FRAME(PC)(a1)
    ld      t0, LEAF_SP(sp)
    sd      t0, FRAME(SP)(a1)
    ld      t0, LEAF_TP(sp)
    sd      t0, FRAME(TP)(a1)
    ld      t0, LEAF_RA(sp)
    sd      t0, FRAME(RA)(a1)
    sd      gp, FRAME(GP)(a1)
    sd      s0, FRAME(S0)(a1)
    sd      s1, FRAME(S1)(a1)
    sd      a0, FRAME(A0)(a1)
    save_kept a1
    li      s0, 0
    j       chorale_leave

.Lcall_\@:
    enter_message \call_target
.Lreply_\@:
    enter_message \reply_target

    // May block: what C keeps is saved, the arguments stay in their registers.
.Lblock_\@:
    addi    t0, t0, -1
    bnez    t0, .Lforeign_\@
    andi    t0, a7, FIRST_BLOCK_CALL - 2
    beqz    t0, .Lmessage_\@            // MESSAGE_SEND or MESSAGE_RECEIVE
    ld      t0, CPU_CURRENT(tp)
    enter_thread t0
    sd      ra, FRAME(RA)(t0)
    slli    t1, a7, MESSAGE_NUMBER_SHIFT
    sd      t1, FRAME(CONTROL)(t0)
    sd      a3, FRAME(A3)(t0)           // ipcCallMessage comes back to it
    save_kept t0
    run_block_call t0, CHORUS_CALL_BASE
.Lmessage_\@:
    enter_message fast_slow

.Lforeign_\@:                           // somebody else's system call: all registers are kept
    j       \foreign_target
.Ltrap_\@:
    j       chorale_trap_outside
    .size \name, . - \name
.endm

    .section .text.fastpath, "ax", @progbits
    define_trap_entry chorale_trap_entry, fast_call, fast_reply_receive, direct_trap
    define_trap_entry chorale_trap_entry_slow, fast_slow, fast_slow, chorale_trap_outside

    // While a trace runs: every register as it comes, then the general way. What is told may touch the
    // program's memory, and come back from a fault with sepc, but another scause.
    .global chorale_trap_entry_traced
    .type chorale_trap_entry_traced, @function
    .balign 64
chorale_trap_entry_traced:
    csrrw   tp, sscratch, tp
    beqz    tp, chorale_trap_inside
    sd      t0, CPU_SCRATCH(tp)
    csrr    t0, scause
    addi    t0, t0, -CAUSE_USER_CALL
    bnez    t0, 1f
    ld      t0, CPU_STACK_TOP(tp)
    sd      sp, -8(t0)
    addi    sp, t0, -TRACED_SIZE
    csrrw   t0, sscratch, zero
    sd      t0, TRACED_SIZE - 16(sp)
    sd      ra, TRACED_SIZE - 24(sp)
    sd      t1, TRACED_SIZE - 32(sp)
    sd      s0, TRACED_SIZE - 40(sp)
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
        sd      a\number, 8 * \number(sp)
    .endr
    li      s0, 0
    mv      a0, sp
    call    chorale_traced_call
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
        ld      a\number, 8 * \number(sp)
    .endr
    ld      s0, TRACED_SIZE - 40(sp)
    ld      t1, TRACED_SIZE - 32(sp)
    ld      ra, TRACED_SIZE - 24(sp)
    ld      t0, TRACED_SIZE - 16(sp)
    ld      sp, TRACED_SIZE - 8(sp)
    csrw    sscratch, t0
    li      t0, CAUSE_USER_CALL
    csrw    scause, t0
    ld      t0, CPU_SCRATCH(tp)
    csrrw   tp, sscratch, tp
    j       chorale_trap_entry_slow
1:  j       chorale_trap_outside
    .size chorale_trap_entry_traced, . - chorale_trap_entry_traced

    // To user mode as the thread in a0, with the words as they are. a1: port, a2: sequence number, a3:
    // control.
    .global fast_exit
    .type fast_exit, @function
    .balign 64
fast_exit:
    ld      t0, FRAME(PC)(a0)
    ld      sp, FRAME(SP)(a0)
    ld      gp, FRAME(GP)(a0)
    ld      s0, FRAME(S0)(a0)
    ld      s1, FRAME(S1)(a0)
    csrw    sepc, t0
    csrw    sscratch, tp
    ld      tp, FRAME(TP)(a0)
    andi    a0, a3, MESSAGE_SIZE_MASK
    // What is left are the peer's registers and the nucleus's. a7 is neither: it still holds the peer's call
    // number, as the fast path is compiled without it.
    scrub   ra, t0, t1, t2, a4, a5, a6, s6, s7, s8, s9, s10, s11
    sret
    .size fast_exit, . - fast_exit

    .global fast_exit_thread_pointer    // fast_exit loads it
    .set fast_exit_thread_pointer, fast_exit

    .global fast_slow
    .type fast_slow, @function
fast_slow:
    save_message a0
    sd      s2, FRAME(S2)(a0)
    sd      s3, FRAME(S3)(a0)
    sd      s4, FRAME(S4)(a0)
    sd      s5, FRAME(S5)(a0)
    run_message
    .size fast_slow, . - fast_slow

    .section .note.GNU-stack, "", @progbits
