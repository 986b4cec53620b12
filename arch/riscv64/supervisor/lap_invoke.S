// lapInvoke: a function call with bookkeeping, on the caller's stack, with interrupts on; the thread may be
// preempted between any two instructions and go on on another CPU. What is kept, and why it suffices, is told
// in kernel/lap/lap.hpp. On the stack, from high to low:
//
//     LapFrame                     <- Invocations::frames
//     what C keeps                 of a guarded invocation: what chorale_lap_failed puts back
//     the handler's frame
#include <machine/offsets.h>

#define OUTER LAP_FRAME_OUTER
#define OWNER LAP_FRAME_OWNER
#define LAP LAP_FRAME_LAP
#define RETURN_ADDRESS LAP_FRAME_RETURN
#define KEPT_SIZE 96

// From the place in a2 and the key in a3: the LAP (t0), its owner and kind (t5), handler (t3), cookie (a1),
// all of them of the one whose key that is. A place beyond the table is another one: the key decides. t1 is
// lost.
.macro find_lap
    andi    a2, a2, LAP_LIMIT - 1
    lui     t0, %hi(lap_table)          // the nucleus lies in the last 2 GiB
    slli    a2, a2, 3
    add     t0, t0, a2
    ld      t0, %lo(lap_table)(t0)
    beqz    t0, no_lap
    ld      t5, LAP_OWNER(t0)
    ld      t3, LAP_HANDLER(t0)
    ld      a1, LAP_COOKIE(t0)
    fence   r, r
    ld      t1, LAP_KEY(t0)
    bne     t1, a3, no_lap
.endm

    .text
    .balign 64
    .globl chorale_lap_invoke
    .type chorale_lap_invoke, @function
chorale_lap_invoke: // a0: KnLapDesc*, a1: argument
    ld      a2, 0(a0)
    ld      a3, 8(a0)
    mv      a0, a1
    find_lap
    andi    t1, t5, LAP_KINDS
    bnez    t1, not_plain
    ld      t0, CPU_CURRENT(tp)
    addi    sp, sp, -LAP_FRAME_SIZE
    ld      t1, THREAD_LAPS(t0)
    sd      ra, RETURN_ADDRESS(sp)
    sd      t5, OWNER(sp)
    sd      t1, OUTER(sp)
    sd      sp, THREAD_LAPS(t0)
    jalr    t3
    ld      t0, CPU_CURRENT(tp)
    ld      t1, OUTER(sp)
    sd      t1, THREAD_LAPS(t0)
    ld      ra, RETURN_ADDRESS(sp)      // after the frame is off the list: now nobody changes it
    addi    sp, sp, LAP_FRAME_SIZE
    li      a0, 0
    ret

no_lap:
    li      a0, LAP_INVALID
    ret

not_plain:
    andi    t1, t5, LAP_RAW
    beqz    t1, guarded
    addi    sp, sp, -16
    sd      ra, 0(sp)
    jalr    t3
    ld      ra, 0(sp)
    addi    sp, sp, 16
    li      a0, 0
    ret

guarded: // a0: argument, the rest from find_lap
    addi    sp, sp, -(LAP_FRAME_SIZE + KEPT_SIZE)
    ld      t6, CPU_CURRENT(tp)
    addi    t2, sp, KEPT_SIZE
    ld      t1, THREAD_LAPS(t6)
    sd      ra, RETURN_ADDRESS(t2)
    sd      t0, LAP(t2)
    sd      t5, OWNER(t2)
    sd      t1, OUTER(t2)
    sd      s0, 0(sp)
    sd      s1, 8(sp)
    sd      s2, 16(sp)
    sd      s3, 24(sp)
    sd      s4, 32(sp)
    sd      s5, 40(sp)
    sd      s6, 48(sp)
    sd      s7, 56(sp)
    sd      s8, 64(sp)
    sd      s9, 72(sp)
    sd      s10, 80(sp)
    sd      s11, 88(sp)
    sd      t2, THREAD_LAPS(t6)         // A of the protocol
    ld      t1, LAP_KEY(t0)             // B
    bne     t1, a3, died
    jalr    t3
    addi    sp, sp, KEPT_SIZE           // the handler has put back what C keeps
    ld      t0, CPU_CURRENT(tp)
    ld      t1, OWNER(sp)
    li      a0, 0
    andi    t1, t1, LAP_SAFE
    beqz    t1, 1f
    ld      t1, LAP(sp)
    lw      t1, LAP_DEAD(t1)
    bnez    t1, 2f
1:  ld      t1, OUTER(sp)
    sd      t1, THREAD_LAPS(t0)
    ld      ra, RETURN_ADDRESS(sp)      // as above
    addi    sp, sp, LAP_FRAME_SIZE
    ret
2:  li      a0, LAP_DELETED
    j       1b

died:
    ld      t1, OUTER(t2)
    sd      t1, THREAD_LAPS(t6)
    ld      ra, RETURN_ADDRESS(t2)
    addi    sp, sp, LAP_FRAME_SIZE + KEPT_SIZE
    j       no_lap
    .size chorale_lap_invoke, . - chorale_lap_invoke

// What the nucleus has a thread invoke: always guarded.
    .balign 4
    .globl chorale_lap_invoke_guarded
    .type chorale_lap_invoke_guarded, @function
chorale_lap_invoke_guarded: // a0: place, a1: key, a2: argument
    mv      a3, a1
    mv      a1, a2
    mv      a2, a0
    mv      a0, a1
    find_lap
    ori     t5, t5, LAP_GUARDED
    j       guarded
    .size chorale_lap_invoke_guarded, . - chorale_lap_invoke_guarded

// The nucleus has taken the frame off the list: here ends the call, KEPT_SIZE below it.
    .globl chorale_lap_failed
chorale_lap_failed:
    ld      s0, 0(sp)
    ld      s1, 8(sp)
    ld      s2, 16(sp)
    ld      s3, 24(sp)
    ld      s4, 32(sp)
    ld      s5, 40(sp)
    ld      s6, 48(sp)
    ld      s7, 56(sp)
    ld      s8, 64(sp)
    ld      s9, 72(sp)
    ld      s10, 80(sp)
    ld      s11, 88(sp)
    ld      ra, KEPT_SIZE + RETURN_ADDRESS(sp)
    addi    sp, sp, LAP_FRAME_SIZE + KEPT_SIZE
    li      a0, LAP_FAILED
    ret

// Where the outermost invocation returns to when something waits for that; then to where it was to return.
    .globl chorale_lap_way_home
chorale_lap_way_home:
    ld      t0, CPU_CURRENT(tp)
    addi    sp, sp, -16
    ld      t1, THREAD_WAY_HOME(t0)
    sd      a0, 0(sp)
    sd      t1, 8(sp)
    call    chorale_come_home
    ld      a0, 0(sp)
    ld      ra, 8(sp)
    addi    sp, sp, 16
    ret

// Where an invocation returns to instead of code that has gone: the exception ends the next one.
    .globl chorale_lap_abandoned
chorale_lap_abandoned:
    unimp

    .section .note.GNU-stack, "", @progbits
