/* For assembly: what the ways into the nucleus have in common, from user mode (call_entry.S, trap/trap.S) and
 * from supervisor actors (supervisor/gates.S). Threads are named by the register that points to them. */
#pragma once

#include <chorus/message_registers.h>
#include <machine/offsets.h>

#define FRAME(field) (THREAD_FRAME + FRAME_##field)
#define FIRST_LEAF_CALL 2
#define FIRST_BLOCK_CALL 128
#define CALL_LIMIT 256
#define CALL_LIST_SHIFT 7 /* FIRST_BLOCK_CALL is a power of two: each list has as many numbers */

/* What C functions keep by themselves, but for s0 and s1. */
.macro save_kept thread
    sd      s2, FRAME(S2)(\thread)
    sd      s3, FRAME(S3)(\thread)
    sd      s4, FRAME(S4)(\thread)
    sd      s5, FRAME(S5)(\thread)
    sd      s6, FRAME(S6)(\thread)
    sd      s7, FRAME(S7)(\thread)
    sd      s8, FRAME(S8)(\thread)
    sd      s9, FRAME(S9)(\thread)
    sd      s10, FRAME(S10)(\thread)
    sd      s11, FRAME(S11)(\thread)
.endm

/* A message but for its words in s2 to s5. */
.macro save_message thread
    sd      a1, FRAME(A1)(\thread)
    sd      a2, FRAME(A2)(\thread)
    sd      a3, FRAME(CONTROL)(\thread)
    sd      t3, FRAME(T3)(\thread)
    sd      t4, FRAME(T4)(\thread)
    sd      t5, FRAME(T5)(\thread)
    sd      t6, FRAME(T6)(\thread)
.endm

/* The function of call a7 in \table, whose first has the number \base, goes to t1; t0 is lost. */
.macro find_call table, base=0
    slli    t0, a7, 3
    lui     t1, %hi(\table - 8 * (\base)) // the nucleus lies in the last 2 GiB
    add     t1, t1, t0
    ld      t1, %lo(\table - 8 * (\base))(t1)
.endm

/* The call a7, with its arguments in their registers. */
.macro run_block_call thread, base=0
    ld      sp, CPU_STACK_TOP(tp)
    mv      s0, \thread                 // in no stack: so a backtrace ends here
    find_call block_call_table, \base
    jalr    t1
    mv      a1, s0
    j       block_return
.endm

/* The message of the thread in a0, which is saved. */
.macro run_message
    ld      sp, CPU_STACK_TOP(tp)
    li      s0, 0
    j       message_call_entry
.endm
