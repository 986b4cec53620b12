/* Software registers: one for each privilege level of each thread, kept like a register. ChorusOS 5.0
 * threadLoadR(2K). */
#pragma once

#include <exec/chExec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* threadLoadR(2K): the calling thread's software register of its present privilege; 0 in a new thread. Never
 * fails. */
static inline long threadLoadR(void) { return threadPrivateLoad(0); }

/* threadStoreR(2K): set it; returns the new value. Never fails. */
static inline long threadStoreR(long reg) { return threadPrivateStore(0, reg); }

#ifdef __cplusplus
}
#endif
