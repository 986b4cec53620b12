/* Numbers that the portable code asserts against its structures; no assembly here needs them. */
#pragma once

/* struct PerCpu */
#define CPU_SELF 0
#define CPU_CURRENT 8
#define CPU_STACK_TOP 16
#define CPU_USER_SP 24
#define CPU_SPACE_ROOT 32
#define CPU_SLOT 40
#define CPU_PENDING 48
#define CPU_INDEX 52
#define CPU_TOP_READY 56
#define CPU_FPU_LIVE 60

/* struct Thread */
#define THREAD_STATE 0
#define THREAD_FRAME 64

#define EXIT_CALL 0
#define EXIT_INTERRUPT 1
