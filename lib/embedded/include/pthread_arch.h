/* In place of musl's header of this name, which finds a thread's control block by a register: here it is in
 * one of the thread's software registers, as nobody can set fs on every x86-64, and supervisor actors share
 * tp. */
hidden uintptr_t chorus_thread_block(void);

static inline uintptr_t __get_tp(void) { return chorus_thread_block(); }

#define MC_PC __gregs[0]
