// What a thread is inside of: the LAPs that it has invoked and not yet left, innermost first. The frames lie
// on the stack on which it invoked them; only the thread itself links and unlinks them, with interrupts on,
// each with one store, so that the list is whole whenever the nucleus looks.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

namespace chorale {

struct Actor;
struct Lap;
struct Thread;

struct LapFrame {
    LapFrame* outer;
    Lap* lap;       // counted in its `inside`; null: it is not a safe one
    Actor* owner;   // the execution actor meanwhile; null: the one before
    Actor* invoker; // the execution actor before; null: the home actor
    uword resume;   // the stack pointer with which a fault in the handler ends the call; 0: it does not
    u64 forgiving;  // K_LAP_SETJMP: the owner outlives that
};

// A thread that waits for a name (kernel/lap/binding.hpp).
struct InBindings;
struct Resolver : ListNode<InBindings> {
    Thread* thread{};
    u64 wanted{}; // the name; 0: it does not wait for one
    u64 place{};  // of the descriptor, in its space
};

// Of a thread that binds a name: whom it has yet to wake.
struct Waking {
    u64 name{};
    u32 left{};
};

// Of a thread that deletes LAPs: how far it is.
struct LapDeletion {
    Lap* lap{};
    Actor* actor{};       // whose LAPs go, all of them; null: only `lap`
    u32 actors{}, lids{}; // whose threads have been searched
    void (*next)(Thread&){};
};

struct Invocations {
    Relaxed<LapFrame*> frames; // other CPUs look whether there is any
    // Set by the nucleus while the thread is inside: something waits for its return home.
    Relaxed<u32> attention;
    Resolver resolver;
    Waking waking;
    // While exception handlers run on the thread: whose, and what it was.
    Actor* faulty{};
    u64 fault_address{};
    bool keeps_result{}; // the actor that it deletes was none that a call of it named
    LapDeletion deletion;
};

// Whether the thread is in another actor's code, or in a safe LAP, where it may be between counting itself
// and linking its frame: then its end waits until it is home.
[[nodiscard]] bool away_from_home(const Thread& thread);
// It does not come back from where it is: nobody waits for it any more. Of a thread that is in a nucleus
// call.
void drop_invocations(Thread& thread);

} // namespace chorale
