// What runs on a thread, at thread level, when handlers are due, and how the nucleus gets it there.
#pragma once

#include "kernel/core/thread.hpp"
#include "kernel/lap/lap.hpp"

namespace chorale {

extern "C" {
// For handlers of actors and of traps. The first tells whether one has dealt with it.
u64 chorale_run_exception_handlers(KnThreadCtx* context, u64 number, void* address);
void chorale_run_home_handlers(KnThreadCtx* context, u64 kind); // aborts, stops
void chorale_run_trap_handler(KnSysTrapDesc* recorded);
// The thread is out of all LAPs, and something has waited for that.
void chorale_come_home();
}

// lapInvoke from user mode. Errors: invalid, no_memory; no_result: it runs.
[[nodiscard]] long invoke_from_user(Thread& self, const KnLapDesc& descriptor, u64 argument);

// A raw LAP, where no thread is, with interrupts off: from a timeout or an interrupt. False: it has died.
bool invoke_at_interrupt_level(const KnLapDesc& descriptor, void* argument);

// The execution actor before the innermost LAP or handler; null: the thread is in none.
[[nodiscard]] Actor* invoker_of(const Thread& self);

} // namespace chorale
