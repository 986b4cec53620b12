// What others may do to a thread beside ending it: stop it, suspend it, look at it. The operations run on the
// CPU that owns the thread.
//
// A thread that is stopped or suspended, or has been aborted and is to be told of it, has `flag_held`. It
// goes on with whatever it does in the nucleus, and in other actors' code: its waits end, its messages
// arrive, its long work is done. Only when it would go back to its program does leave() run its abort and
// stop handlers, and then put it aside (Doing::held). So a wait, an exchange or a move between CPUs need not
// know of it; the fast path compares the whole word and leaves such a thread to the slow one.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus.h>

namespace chorale {

struct Actor;
struct ContextExchange;
struct Question;
struct Thread;

struct Control {
    u64 suspensions{};                // threadSuspend less threadResume
    bool stopped{};                   // threadStop, actorStop
    bool tells_stop{};                // its stop handlers are yet to run
    char name[K_THREADNAMEMAX]{};     // under the lock of the actor's tables
    ContextExchange* exchange{};      // of its own call of threadContext
    u64 registers[2][K_NBPRIVDATA]{}; // software registers: of user and of supervisor programs
};

// threadContext's values on their way between two CPUs.
struct ContextExchange {
    unsigned type{};
    bool get{}, set{};
    bool trusted{}; // who asks may see what supervisor code has in its registers
    union Values {
        KnThreadCtx machine;
        u64 software[K_NBPRIVDATA];
    } old_values{}, new_values{};
};

// Of a thread with flag_held that could go on: whether it would go on in its own actor's code, outside of
// LAPs and handlers; and what is done with it then.
[[nodiscard]] bool returns_home(Thread& thread);
void hold(Thread& thread);

// Operations for ask().
enum class Hold : u8 { stop, start, suspend, resume };
[[nodiscard]] long hold_operation(Thread& target, const Question& question); // argument 0: a Hold
// As its actor is: stopped or not.
[[nodiscard]] long follow_actor_operation(Thread& target, const Question& question);
[[nodiscard]] long context_operation(Thread& target,
                                     const Question& question); // argument 0: ContextExchange*
// What is to be told of it, in one word: unpack_statistics().
[[nodiscard]] long statistics_operation(Thread& target, const Question& question);
[[nodiscard]] KnThreadStat unpack_statistics(long packed);

} // namespace chorale
