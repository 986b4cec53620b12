// Entering and leaving a LAP, at thread level: interrupts are on, the thread may be preempted between any two
// instructions and go on on another CPU. Nothing here knows which CPU it is on; only the thread itself
// writes its list of frames, and its execution actor.
#pragma once

#include "kernel/core/thread.hpp"
#include "kernel/lap/lap.hpp"

#include <machine/cpu.hpp>

namespace chorale {

// Makes `frame`, which is linked by one store when all is in it.
inline void push_frame(Thread& self, LapFrame& frame, Lap* safe, Actor* owner) {
    frame = {self.invocations.frames.load(), safe, owner, self.supervisor.execution, 0, 0};
    machine::compiler_barrier(); // the nucleus of this CPU may look at any moment
    self.invocations.frames.store(&frame);
}

inline void pop_frame(Thread& self, const LapFrame& frame) {
    self.supervisor.execution = frame.invoker;
    machine::compiler_barrier();
    self.invocations.frames.store(frame.outer);
    machine::compiler_barrier();
}

// A to C of the protocol in lap.hpp: whether the thread may go on into the handler. If so, leave_safe() is
// due.
[[nodiscard]] inline bool enter_safe(Thread& self, LapFrame& frame, const KnLapDesc& descriptor,
                                     LapTarget& target) {
    target = find_lap(descriptor);
    if (target.lap == nullptr || (target.options & K_LAP_SAFE) == 0) return false;
    push_frame(self, frame, target.lap, target.owner);
    // seq_cst: B of the protocol
    target.lap->inside.fetch_add(1, std::memory_order_seq_cst);
    if (find_lap(descriptor).lap != nullptr) {
        self.supervisor.execution = target.owner;
        return true;
    }
    // release: pairs with the acquire in wait_step() (deletion.cpp)
    target.lap->inside.fetch_sub(1, std::memory_order_release);
    pop_frame(self, frame);
    return false;
}

// Whether the LAP still lives.
inline bool leave_safe(Thread& self, const LapFrame& frame, const KnLapDesc& descriptor) {
    const bool lives = find_lap(descriptor).lap != nullptr;
    // release: pairs with the acquire in wait_step(); before the frame goes, so that the thread is found as
    // long as it is waited for
    if (frame.lap != nullptr) frame.lap->inside.fetch_sub(1, std::memory_order_release);
    pop_frame(self, frame);
    return lives;
}

// ---- between the nucleus and the thread
// --------------------------------------------------------------------------------

extern "C" {
// At thread level: lapInvoke of supervisor actors, the same for a thread in user mode, whose descriptor comes
// in registers, and what handlers are called by. The third tells whether a handler has dealt with it.
int chorale_lap_invoke(const KnLapDesc* descriptor, void* argument);
int chorale_lap_invoke_safe(u64 place, u64 key, void* argument);
u64 chorale_run_exception_handlers(KnThreadCtx* context, u64 number, void* address);
void chorale_run_abort_handlers(KnThreadCtx* context);
u64 chorale_run_trap_handler(KnThreadCtx* context, u64 trap);
}

// lapInvoke from user mode. Errors: invalid, no_memory; no_result: it runs.
[[nodiscard]] long invoke_from_user(Thread& self, const KnLapDesc& descriptor, u64 argument);

// A raw LAP, where no thread is, with interrupts off: from a timeout or an interrupt. False: it has died.
bool invoke_at_interrupt_level(const KnLapDesc& descriptor, void* argument);

// The execution actor before the innermost LAP or handler; null: the thread is in none.
[[nodiscard]] Actor* invoker_of(const Thread& self);

} // namespace chorale
