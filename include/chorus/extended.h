/* What actors with libchorus.a and a C library (musl) have beyond <chorus.h>: threads that can use it.
 *
 * Such a library keeps data for each thread (errno, thread-local variables, locks' owners) and finds it by
 * the thread pointer: fs on x86-64, tp on riscv64. threadCreate() of libchorus.a sees to it: for a user
 * thread of the caller's own actor it makes the thread's data, leaves two words below dsUserStackPointer, and
 * starts the thread in code that sets the thread pointer and then goes to dsEntry, as if nothing had been:
 * the stack pointer is dsUserStackPointer, other registers are 0 (riscv64: but ra and tp). Such a thread
 *   - may call every function of the C library but pthread_exit(), pthread_detach() and pthread_join() of
 * itself;
 *   - ends with threadDelete(), which calls no destructors of thread-specific data;
 *   - has thread-local variables from its local id's first thread on: their memory is used again by the next
 * thread of that id, newly initialised, and is never more than that of the actor's threads at its busiest;
 *   - may be created by any thread that can use the C library itself.
 * threadCreate() then also returns K_ENOMEM when there is no memory for this data.
 *
 * Threads of other actors and supervisor threads are created as the nucleus does it, by either call. */
#pragma once

#include <exec/chExec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* threadCreateRaw (extension): threadCreate(2K) of the nucleus itself. A thread that it makes in the caller's
 * actor begins at dsEntry at once and has no thread pointer: it makes calls of the nucleus and nothing else,
 * until it has one. Arguments and errors: threadCreate(). */
int threadCreateRaw(const KnCap* actorcap, KnThreadLid* threadli, KnThreadStatus status,
                    const void* schedparam, const void* startinfo);

#ifdef __cplusplus
}
#endif
