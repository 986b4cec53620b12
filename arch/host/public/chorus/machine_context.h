/* KnThreadCtx: the registers of an interrupted thread, as handlers (exec/chTrap.h) and threadContext see
 * them. The host machine. */
#ifndef CHORUS_MACHINE_CONTEXT_H
#define CHORUS_MACHINE_CONTEXT_H

#include <stdint.h>

typedef struct KnThreadCtx {
    uint64_t pc, sp, control, name, tail, descriptor;
    uint64_t arguments[6];
    uint64_t words[8];
    void *user, *outer; /* leave them alone, */
    uint64_t mode;      /* and this */
} KnThreadCtx;

#endif
