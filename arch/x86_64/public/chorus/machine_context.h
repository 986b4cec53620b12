/* KnThreadCtx: the registers of an interrupted thread, as handlers (exec/chTrap.h) and threadContext see
 * them. x86-64. A handler may change the general registers, pc, sp, fsBase and the arithmetic flags; what it
 * does to the rest of flags and to the fields marked so is ignored. */
#ifndef CHORUS_MACHINE_CONTEXT_H
#define CHORUS_MACHINE_CONTEXT_H

#include <stdint.h>

typedef struct KnThreadCtx {
    uint64_t pc, sp, flags, rbx, rbp, fsBase, rax;
    uint32_t reserved0[2]; /* ignored */
    uint64_t rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error; /* ignored: of the exception that it was */
    uint64_t reserved1[2];  /* ignored */
} KnThreadCtx;

#endif
