// The beginning and the end of threads. A thread is created by any CPU, for that CPU, and destroyed by its
// owner.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/sched/attributes.hpp"

namespace chorale {

struct ThreadStart {
    VirtAddr entry;
    VirtAddr stack;
    Attributes attributes{};
    bool active{};
    bool bound{};              // to this CPU
    bool supervisor{};         // in supervisor mode, on a stack that the nucleus gives it
    uword system_stack_size{}; // of that; 0: the default
};

// The new thread belongs to this CPU. Errors: no_memory, size (of the stack), full, unknown (the actor is
// being deleted).
[[nodiscard]] Result<Thread*> create_thread(Actor& actor, const ThreadStart& start);

// A thread found by its local id. The serial tells whether it is still that thread when its owner acts on it.
struct FoundThread {
    Thread* thread{};
    u64 serial{};
};
[[nodiscard]] Result<FoundThread> find_thread(Actor& actor, KnThreadLid lid);
// The next thread of the actor from local id `lid` on and before `end`, other than `but`; `lid` goes behind
// it. No thread: there is none any more, and `lid` is the end.
[[nodiscard]] FoundThread next_thread(Actor& actor, unsigned& lid, const Thread* but = nullptr,
                                      unsigned end = ~0u);

// Its Request is out, or it does work that others depend on: neither its end nor a move can be now.
[[nodiscard]] bool engaged(const Thread& thread);

// Ends a thread of this CPU. One whose Request is out ends when that is home (settle()).
void end_thread(Thread& thread);

// To be destroyed, and not in another actor's code: it does not go back to user mode any more.
[[nodiscard]] bool ending(const Thread& thread);

// Called whenever a thread's Request has come home and been dealt with: ends a dying thread, starts a
// deferred move.
void settle(Thread& thread);

// Operations for ask().
[[nodiscard]] long activate_operation(Thread& target, const Question& question);
[[nodiscard]] long end_operation(Thread& target, const Question& question);
[[nodiscard]] long abort_operation(Thread& target, const Question& question);
[[nodiscard]] long priority_operation(Thread& target,
                                      const Question& question); // argument 0: the new base priority
[[nodiscard]] long bind_operation(Thread& target, const Question& question); // argument 0: the CPU, K_ANYCPU

[[nodiscard]] u64 live_threads();

} // namespace chorale
