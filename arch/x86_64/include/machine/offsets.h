/* Offsets shared by assembly and C++: plain numbers, static_asserted against machine/frame.hpp. */
#pragma once

#include "kernel/core/offsets.h"

/* machine::Frame */
#define FRAME_PC 0
#define FRAME_SP 8
#define FRAME_FLAGS 16
#define FRAME_RBX 24
#define FRAME_RBP 32
#define FRAME_FS_BASE 40
#define FRAME_RAX 48
#define FRAME_EXIT 56 /* u32: EXIT_* */
#define FRAME_RCX 64
#define FRAME_RDX 72
#define FRAME_RSI 80
#define FRAME_RDI 88
#define FRAME_R8 96
#define FRAME_R9 104
#define FRAME_R10 112
#define FRAME_R11 120
#define FRAME_R12 128
#define FRAME_R13 136
#define FRAME_R14 144
#define FRAME_R15 152
#define FRAME_VECTOR 160
#define FRAME_ERROR 168
#define FRAME_SIZE 192

/* struct Thread, behind its bases: SupervisorState */
#define THREAD_SUPERVISOR (THREAD_FRAME + FRAME_SIZE + 24)

/* how the frame's owner goes on */
#define EXIT_CALL 0      /* SYSRET: rcx and r11 are lost, as at every system call */
#define EXIT_INTERRUPT 1 /* IRET: every register comes back */
#define EXIT_SUPERVISOR 2 /* the same, to ring 0 */

/* Set in the addresses of the nucleus's stacks, clear in those of the supervisor range. */
#define NUCLEUS_STACK_BIT 44
