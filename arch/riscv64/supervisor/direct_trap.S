// System calls that are not the nucleus's, to the LAP that handles them and back: the quick way, which
// kernel/lap/direct_trap.hpp tells of. On the system stack, from high to low:
//
//     HandlerRecord
//     DirectCall          <- Invocations::frames
//     the handler's frames
//
// Context: interrupts are off but for the handler. Of the record all stays as the slow way has left it but
// the registers, resultOnly, and what the handler changes. gp is the user's throughout: nobody else uses it.
#include <machine/asm.h>
#include <machine/entry.h>

#define RECORD_PLACE DIRECT_SIZE // from the stack pointer
#define CALL_BYTES 4 // an ecall's length

    .section .text.fastpath, "ax", @progbits
    .balign 64
    .globl direct_trap
    .type direct_trap, @function
direct_trap: // tp: block; the user's t0 in its scratch, the user's tp in sscratch
    ld      t0, CPU_CURRENT(tp)
    ld      t0, THREAD_DIRECT(t0)       // the record
    beqz    t0, .Lnot_prepared
    sd      ra, FRAME_RA(t0)
    sd      sp, FRAME_SP(t0)
    sd      a0, FRAME_A0(t0)
    sd      a1, FRAME_A1(t0)
    sd      a2, FRAME_A2(t0)
    sd      a3, FRAME_A3(t0)
    sd      a4, FRAME_A4(t0)
    sd      a5, FRAME_A5(t0)
    sd      a6, FRAME_A6(t0)
    sd      a7, FRAME_A7(t0)
    sd      t1, FRAME_T1(t0)
    sd      t2, FRAME_T2(t0)
    sd      t3, FRAME_T3(t0)
    sd      t4, FRAME_T4(t0)
    sd      t5, FRAME_T5(t0)
    sd      t6, FRAME_T6(t0)
    ld      a4, CPU_CURRENT(tp)
    lw      a3, THREAD_STATE(a4)
    srliw   a5, a3, STATE_SHIFT
    bnez    a5, .Lnot_quiet
    ld      a1, CPU_SCRATCH(tp)
    csrr    a2, sepc
    sd      a1, FRAME_T0(t0)
    csrrw   a1, sscratch, zero
    addi    a2, a2, CALL_BYTES
    sd      a1, FRAME_TP(t0)
    sd      a2, FRAME_PC(t0)

    addi    sp, t0, -RECORD_PLACE
    lui     t2, %hi(chorale_direct_trap) // the nucleus lies in the last 2 GiB
    ld      t1, DIRECT_KEY(sp)
    sd      sp, THREAD_LAPS(a4)         // A of the protocol
    ld      t2, %lo(chorale_direct_trap)(t2) // B
    bne     t1, t2, .Llook_for_quick_call

.Lcall_handler:                         // a3: the thread's state
    sd      gp, FRAME_GP(t0)
    sd      s0, FRAME_S0(t0)
    sd      s1, FRAME_S1(t0)
    sd      s2, FRAME_S2(t0)
    sd      s3, FRAME_S3(t0)
    sd      s4, FRAME_S4(t0)
    sd      s5, FRAME_S5(t0)
    sd      s6, FRAME_S6(t0)
    sd      s7, FRAME_S7(t0)
    sd      s8, FRAME_S8(t0)
    sd      s9, FRAME_S9(t0)
    sd      s10, FRAME_S10(t0)
    sd      s11, FRAME_S11(t0)
    ori     a3, a3, STATE_SUPERVISOR
    sw      a3, THREAD_STATE(a4)
    sd      t0, THREAD_SUPERVISOR + SUPERVISOR_INNERMOST(a4)
    sw      zero, RECORD_TRAP + TRAP_RESULT_ONLY(t0)
    ld      a2, DIRECT_HANDLER(sp)
    ld      a1, DIRECT_COOKIE(sp)
    addi    a0, t0, RECORD_TRAP
    csrsi   sstatus, SSTATUS_SIE
    jalr    a2

    csrci   sstatus, SSTATUS_SIE
    ld      t0, CPU_CURRENT(tp)         // perhaps another CPU's by now
    lw      a4, CPU_PENDING(tp)
    lw      a5, RECORD_PLACE + RECORD_TRAP + TRAP_RESULT_ONLY(sp)
    lw      a1, THREAD_STATE(t0)
    sd      zero, THREAD_LAPS(t0)
    srliw   a2, a1, STATE_SHIFT
    bnez    a4, .Lslow_end
    beqz    a5, .Lslow_end
    bnez    a2, .Lslow_end

    // What C functions keep the handler has kept, wherever the thread has been meanwhile.
    ld      a2, RECORD_PLACE + FRAME_PC(sp)
    andi    a1, a1, ~STATE_SUPERVISOR
    sw      a1, THREAD_STATE(t0)
    sd      zero, THREAD_SUPERVISOR + SUPERVISOR_INNERMOST(t0)
    sd      zero, FRAME(MODE)(t0)       // an interrupt of the handler has left another one there
    csrw    sepc, a2
    csrw    sscratch, tp
    ld      ra, RECORD_PLACE + FRAME_RA(sp)
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

.Lslow_end:
    j       chorale_handler_return

// The key is the LAP's that is connected, where the handler has named quick functions.
.Llook_for_quick_call:                  // t2: the key
    ld      t1, DIRECT_QUICK_KEY(sp)
    bne     t1, t2, .Lmissed
    ld      t1, RECORD_TRAP + TRAP_QUICK_CALLS(t0)
    srli    t2, a7, QUICK_CALL_SHIFT
    beqz    t1, .Lcall_handler
    bnez    t2, .Lcall_handler
    slli    t2, a7, 3
    ld      sp, CPU_STACK_TOP(tp)       // before anything of the handler's: a fault is the system's
    add     t1, t1, t2
    ld      t1, 0(t1)
    beqz    t1, .Lno_quick_call
    ld      a0, RECORD_TRAP + TRAP_DATA(t0)
    jalr    t1
    ld      t0, CPU_CURRENT(tp)
    sd      zero, THREAD_LAPS(t0)
    ld      t0, THREAD_DIRECT(t0)
    csrw    sscratch, tp
    ld      a1, FRAME_PC(t0)
    ld      ra, FRAME_RA(t0)
    csrw    sepc, a1
    ld      sp, FRAME_SP(t0)
    ld      tp, FRAME_TP(t0)
    ld      a1, FRAME_A1(t0)
    ld      a2, FRAME_A2(t0)
    ld      a3, FRAME_A3(t0)
    ld      a4, FRAME_A4(t0)
    ld      a5, FRAME_A5(t0)
    ld      a6, FRAME_A6(t0)
    ld      a7, FRAME_A7(t0)
    ld      t1, FRAME_T1(t0)
    ld      t2, FRAME_T2(t0)
    ld      t3, FRAME_T3(t0)
    ld      t4, FRAME_T4(t0)
    ld      t5, FRAME_T5(t0)
    ld      t6, FRAME_T6(t0)
    ld      t0, FRAME_T0(t0)
    sret

.Lno_quick_call:
    addi    sp, t0, -RECORD_PLACE
    j       .Lcall_handler

.Lmissed:                               // nothing has happened yet
    sd      zero, THREAD_LAPS(a4)
    ld      a1, FRAME_TP(t0)
    ld      sp, FRAME_SP(t0)
    csrw    sscratch, a1
    ld      a1, FRAME_A1(t0)
    ld      a2, FRAME_A2(t0)
    ld      t1, FRAME_T1(t0)
    ld      t2, FRAME_T2(t0)
.Lnot_quiet:
    ld      a3, FRAME_A3(t0)
    ld      a4, FRAME_A4(t0)
    ld      a5, FRAME_A5(t0)
.Lnot_prepared:
    j       chorale_trap_outside
    .size direct_trap, . - direct_trap

    .section .note.GNU-stack, "", @progbits
