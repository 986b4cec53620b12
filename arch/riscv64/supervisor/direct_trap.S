// System calls that are not the nucleus's, to the LAP that handles them and back: the quick way, which
// kernel/lap/direct_trap.hpp tells of. On the system stack, from high to low:
//
//     HandlerRecord
//     LapFrame            <- Invocations::frames
//     KEPT_SIZE           room for what chorale_lap_failed loads, whatever that is: the slow end follows
//     the handler's frames
//
// Context: interrupts are off but for the handler. Of the record the tail, `before` to `cookie`, stays as the
// slow way has left it, and so does what is not written here of the frame: it is one of user mode.
#include <machine/asm.h>
#include <machine/entry.h>

#define KEPT_SIZE 96
#define FRAME_PLACE KEPT_SIZE
#define RECORD_PLACE (KEPT_SIZE + LAP_FRAME_SIZE)
#define CALL_BYTES 4 // an ecall's length

    .section .text.fastpath, "ax", @progbits
    .balign 64
    .globl direct_trap
    .type direct_trap, @function
direct_trap: // tp: block; the user's t0 in its scratch, the user's tp in sscratch
    ld      t0, CPU_CURRENT(tp)
    sd      t1, FRAME(T1)(t0)
    ld      t1, THREAD_DIRECT(t0)
    beqz    t1, not_ready
    sd      ra, FRAME_RA(t1)
    sd      sp, FRAME_SP(t1)
    sd      gp, FRAME_GP(t1)
    sd      s0, FRAME_S0(t1)
    sd      s1, FRAME_S1(t1)
    sd      a0, FRAME_A0(t1)
    sd      a1, FRAME_A1(t1)
    sd      a2, FRAME_A2(t1)
    sd      a3, FRAME_A3(t1)
    sd      a4, FRAME_A4(t1)
    sd      a5, FRAME_A5(t1)
    sd      a6, FRAME_A6(t1)
    sd      a7, FRAME_A7(t1)
    sd      t2, FRAME_T2(t1)
    sd      t3, FRAME_T3(t1)
    sd      t4, FRAME_T4(t1)
    sd      t5, FRAME_T5(t1)
    sd      t6, FRAME_T6(t1)
    sd      s2, FRAME_S2(t1)
    sd      s3, FRAME_S3(t1)
    sd      s4, FRAME_S4(t1)
    sd      s5, FRAME_S5(t1)
    sd      s6, FRAME_S6(t1)
    sd      s7, FRAME_S7(t1)
    sd      s8, FRAME_S8(t1)
    sd      s9, FRAME_S9(t1)
    sd      s10, FRAME_S10(t1)
    sd      s11, FRAME_S11(t1)
    ld      a0, FRAME(T1)(t0)
    ld      a1, CPU_SCRATCH(tp)
    csrr    a2, sepc
    sd      a0, FRAME_T1(t1)
    sd      a1, FRAME_T0(t1)
    lw      a3, THREAD_STATE(t0)
    li      a4, ~STATE_QUIET
    addi    a2, a2, CALL_BYTES
    sd      a2, FRAME_PC(t1)
    and     a4, a4, a3
    bnez    a4, not_quiet
    csrrw   a2, sscratch, zero
    sd      a2, FRAME_TP(t1)

    addi    sp, t1, -RECORD_PLACE
    li      a2, STATE_SUPERVISOR
    or      a3, a3, a2
    sw      a3, THREAD_STATE(t0)
    li      a2, 1
    sw      a2, THREAD_SUPERVISOR + SUPERVISOR_DEPTH(t0)
    sd      t1, THREAD_SUPERVISOR + SUPERVISOR_INNERMOST(t0)
    ld      a2, THREAD_HANDLER_DATA(t0)
    li      a3, TRAP_SYSTEM_CALL
    sd      t1, RECORD_TRAP + TRAP_CONTEXT(t1)
    sd      a3, RECORD_TRAP + TRAP_NUMBER(t1) // and resultOnly is 0
    sd      a2, RECORD_TRAP + TRAP_HANDLER_DATA(t1)

    lui     a5, %hi(chorale_direct_trap) // the nucleus lies in the last 2 GiB
    addi    a5, a5, %lo(chorale_direct_trap)
    ld      a4, DIRECT_LAP(a5)
    ld      a5, DIRECT_KEY(a5)
    ld      a6, LAP_OWNER(a4)
    ld      a7, LAP_HANDLER(a4)
    ld      a1, LAP_COOKIE(a4)
    ori     a6, a6, LAP_GUARDED
    lui     a2, %hi(handler_failed)
    addi    a2, a2, %lo(handler_failed)
    sd      zero, FRAME_PLACE + LAP_FRAME_OUTER(sp)
    sd      a6, FRAME_PLACE + LAP_FRAME_OWNER(sp)
    sd      a4, FRAME_PLACE + LAP_FRAME_LAP(sp)
    sd      a2, FRAME_PLACE + LAP_FRAME_RETURN(sp)
    addi    a0, sp, FRAME_PLACE
    sd      a0, THREAD_LAPS(t0)         // A of the protocol
    fence   r, r
    ld      a2, LAP_KEY(a4)             // B, after the others
    bne     a2, a5, no_handler
    addi    a0, t1, RECORD_TRAP
    csrsi   sstatus, SSTATUS_SIE
    jalr    a7

    csrci   sstatus, SSTATUS_SIE
    ld      t0, CPU_CURRENT(tp)         // perhaps another CPU's by now
    ld      a2, RECORD_PLACE + RECORD_TRAP + TRAP_HANDLER_DATA(sp)
    ld      a3, FRAME_PLACE + LAP_FRAME_RETURN(sp)
    lui     a4, %hi(handler_failed)
    addi    a4, a4, %lo(handler_failed)
    sd      a2, THREAD_HANDLER_DATA(t0)
    bne     a3, a4, other_way_home
    sd      zero, THREAD_LAPS(t0)
    lw      a1, THREAD_STATE(t0)
    li      a2, ~STATE_QUIET
    li      a3, STATE_SUPERVISOR
    and     a2, a2, a1
    bne     a2, a3, slow_end
    lw      a4, CPU_PENDING(tp)
    lw      a5, RECORD_PLACE + RECORD_TRAP + TRAP_NUMBER + 4(sp)
    bnez    a4, slow_end
    beqz    a5, slow_end

    // What C functions keep the handler has kept, wherever the thread has been meanwhile.
    xor     a1, a1, a3
    ld      a2, RECORD_PLACE + FRAME_PC(sp)
    sw      a1, THREAD_STATE(t0)
    sw      zero, THREAD_SUPERVISOR + SUPERVISOR_DEPTH(t0)
    sd      zero, THREAD_SUPERVISOR + SUPERVISOR_INNERMOST(t0)
    sd      zero, FRAME(MODE)(t0)       // an interrupt of the handler has left another one there
    csrw    sepc, a2
    csrw    sscratch, tp
    ld      ra, RECORD_PLACE + FRAME_RA(sp)
    ld      gp, RECORD_PLACE + FRAME_GP(sp)
    ld      tp, RECORD_PLACE + FRAME_TP(sp)
    ld      a0, RECORD_PLACE + FRAME_A0(sp)
    ld      a1, RECORD_PLACE + FRAME_A1(sp)
    ld      a2, RECORD_PLACE + FRAME_A2(sp)
    ld      a3, RECORD_PLACE + FRAME_A3(sp)
    ld      a4, RECORD_PLACE + FRAME_A4(sp)
    ld      a5, RECORD_PLACE + FRAME_A5(sp)
    ld      a6, RECORD_PLACE + FRAME_A6(sp)
    ld      a7, RECORD_PLACE + FRAME_A7(sp)
    ld      t0, RECORD_PLACE + FRAME_T0(sp)
    ld      t1, RECORD_PLACE + FRAME_T1(sp)
    ld      t2, RECORD_PLACE + FRAME_T2(sp)
    ld      t3, RECORD_PLACE + FRAME_T3(sp)
    ld      t4, RECORD_PLACE + FRAME_T4(sp)
    ld      t5, RECORD_PLACE + FRAME_T5(sp)
    ld      t6, RECORD_PLACE + FRAME_T6(sp)
    ld      sp, RECORD_PLACE + FRAME_SP(sp)
    sret

slow_end:
    j       chorale_handler_return

// Something waits for the thread to leave its LAPs: to chorale_lap_way_home, and then to handler_failed.
other_way_home:
    ld      a2, FRAME_PLACE + LAP_FRAME_OUTER(sp)
    sd      a2, THREAD_LAPS(t0)
    mv      ra, a3
    addi    sp, sp, RECORD_PLACE
    csrsi   sstatus, SSTATUS_SIE
    ret

// The nucleus has ended the invocation, or it is over and chorale_lap_way_home comes here.
handler_failed:
    csrci   sstatus, SSTATUS_SIE
    ld      t0, CPU_CURRENT(tp)
    ld      a2, RECORD_TRAP + TRAP_HANDLER_DATA(sp)
    sd      a2, THREAD_HANDLER_DATA(t0)
    j       chorale_handler_return

no_handler:
    sd      zero, THREAD_LAPS(t0)
    li      a2, TRAP_UNHANDLED
    sd      a2, FRAME_A0(t1)
    j       chorale_handler_return

not_quiet:
    ld      a0, FRAME_A0(t1)
    ld      a1, FRAME_A1(t1)
    ld      a2, FRAME_A2(t1)
    ld      a3, FRAME_A3(t1)
    ld      a4, FRAME_A4(t1)
not_ready:
    ld      t1, FRAME(T1)(t0)
    j       chorale_trap_outside
    .size direct_trap, . - direct_trap

    .section .note.GNU-stack, "", @progbits
