/* KnThreadCtx: the registers of an interrupted thread, as handlers (exec/chTrap.h) and threadContext see
 * them. riscv64. A handler may change all registers and pc; what it does to fields marked so is ignored. */
#ifndef CHORUS_MACHINE_CONTEXT_H
#define CHORUS_MACHINE_CONTEXT_H

#include <stdint.h>

typedef struct KnThreadCtx {
    uint64_t pc, sp, gp, tp, s0;
    uint64_t control; /* ignored */
    uint64_t a0, s1;
    uint64_t a1, a2, a3, a4, a5, a6, a7;
    uint64_t t0, t1, t2, t3, t4, t5, t6;
    uint64_t s2, s3, s4, s5, ra, s6, s7, s8, s9, s10, s11;
    uint64_t cause, value; /* ignored: of the exception that it was */
    uint64_t reserved[5];  /* ignored */
} KnThreadCtx;

#endif
