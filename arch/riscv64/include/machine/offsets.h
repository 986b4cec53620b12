/* Offsets shared by assembly and C++: plain numbers, static_asserted against machine/frame.hpp and
 * trap/trap_frame.hpp. */
#pragma once

#include "kernel/core/offsets.h"

/* machine::Frame: the first line is what the message fast path saves and loads. */
#define FRAME_PC 0
#define FRAME_SP 8
#define FRAME_GP 16
#define FRAME_TP 24
#define FRAME_S0 32
#define FRAME_CONTROL 40
#define FRAME_A0 48
#define FRAME_S1 56
#define FRAME_A1 64
#define FRAME_A2 72
#define FRAME_A3 80
#define FRAME_A4 88
#define FRAME_A5 96
#define FRAME_A6 104
#define FRAME_A7 112
#define FRAME_T0 120
#define FRAME_T1 128
#define FRAME_T2 136
#define FRAME_T3 144 /* words 0 to 3 of a message: t3 to t6 */
#define FRAME_T4 152
#define FRAME_T5 160
#define FRAME_T6 168
#define FRAME_S2 176 /* words 4 to 7: s2 to s5 */
#define FRAME_S3 184
#define FRAME_S4 192
#define FRAME_S5 200
#define FRAME_RA 208
#define FRAME_S6 216
#define FRAME_S7 224
#define FRAME_S8 232
#define FRAME_S9 240
#define FRAME_S10 248
#define FRAME_S11 256
#define FRAME_CAUSE 264
#define FRAME_VALUE 272
#define FRAME_MODE 280 /* 0: user mode; else what sstatus says of supervisor mode: SPP, SPIE, SUM */
#define FRAME_SIZE 320

/* struct Thread, behind its bases: SupervisorState */
#define THREAD_SUPERVISOR (THREAD_FRAME + FRAME_SIZE + 24)

/* Set in the addresses of the nucleus's stacks, clear in those of the supervisor range. */
#define NUCLEUS_STACK_BIT 36

/* machine::TrapFrame: the nucleus interrupted. x1 to x31 lie at 8 times their number, pc where x0 would. */
#define TRAP_PC 0
#define TRAP_STATUS 256
#define TRAP_CAUSE 264
#define TRAP_VALUE 272
#define TRAP_SIZE 288

#define MAX_CPUS 64 /* max_cpus, for start.S */

/* CPU stacks. A slot of 64 KiB each; the main stack lies at [32 KiB, 48 KiB). So MAIN_STACK_BIT is set in its
 * addresses and in those of the emergency stack below the next slot, and clear in the unmapped space below
 * the main stack. */
#define STACK_SLOT_BITS 16
#define STACK_SLOT_SIZE 0x10000
#define MAIN_STACK_BIT 15
#define MAIN_STACK_BEGIN 0x8000
#define MAIN_STACK_END 0xc000
#define EMERGENCY_STACK_SIZE 0x3000

/* The top of a main stack, where the entry of a short call keeps what it returns to. */
#define LEAF_TP 0
#define LEAF_RA 8
#define LEAF_SP 16
#define LEAF_SIZE 32
