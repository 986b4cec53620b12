// What a thread is inside of: the LAPs that it has invoked and not yet left, innermost first. The frames lie
// on the stack on which it invoked them; only the thread itself links and unlinks them, with interrupts on,
// each with one store, so that the list is whole whenever the nucleus looks (arch/*/supervisor/lap_invoke.S).
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/types.hpp"
#include "kernel/core/offsets.h"
#include "kernel/mem/relaxed.hpp"

namespace chorale {

struct Actor;
struct Lap;
enum class Laps : u8; // kernel/lap/lap.hpp
struct Thread;

// The innermost one tells the execution actor.
struct LapFrame {
    LapFrame* outer;
    uword owner_and_kind; // LAP_SAFE …
    Lap* lap;             // of a safe LAP, which lives as long as this is linked; else nobody's
    uword return_address; // of lapInvoke

    [[nodiscard]] Actor* owner() const {
        return reinterpret_cast<Actor*>(owner_and_kind & ~uword{LAP_KINDS});
    }
    [[nodiscard]] bool safe() const { return (owner_and_kind & LAP_SAFE) != 0; }
    // A fault in the handler ends the invocation only; and is forgiven, where the owner outlives it.
    [[nodiscard]] bool guarded() const {
        return (owner_and_kind & (LAP_SAFE | LAP_SETJMP | LAP_GUARDED)) != 0;
    }
    [[nodiscard]] bool forgiving() const { return (owner_and_kind & LAP_SETJMP) != 0; }
    // The owner has been deleted by the thread itself, so that nobody waited for this to be left. Nothing of
    // the owner's may be looked at again; `heir` is the execution actor, which outlives the frame.
    [[nodiscard]] bool abandoned() const { return (owner_and_kind & LAP_ABANDONED) != 0; }
    void abandon(Actor& heir) {
        const uword kinds = LAP_ABANDONED | (guarded() ? LAP_GUARDED : 0);
        owner_and_kind = reinterpret_cast<uword>(&heir) | kinds;
    }
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
    Actor* actor{};          // whose LAPs go, all of them; null: only `lap`
    u32 places{};            // the actor's LAPs before this one are dead, or later freed
    Laps found{};            // of those that are dead
    u32 actors{}, lids{};    // whose threads have been searched
    bool told{}, somebody{}; // who is inside has been aborted; somebody still was in this search
    void (*next)(Thread&){};
};

struct Invocations {
    Relaxed<LapFrame*> frames; // other CPUs look whether there is any
    uword way_home{};          // where the outermost returns to when flag_awaited is set and it is to be told
    Resolver resolver;
    Waking waking;
    // While exception handlers run on the thread: whose, and what it was.
    Actor* faulty{};
    u64 fault_address{};
    bool keeps_result{}; // the actor that it deletes was none that a call of it named
    bool destructs{};    // it is in a destructor, amid a deletion (kernel/core/site_data.hpp)
    LapDeletion deletion;
};

// Whether the thread is in another actor's code, in a safe LAP, or handles a message: then its end waits
// until it is home.
[[nodiscard]] bool away_from_home(const Thread& thread);
// come_home() (kernel/lap/handlers.hpp) runs when the thread is; it is away, on this CPU.
void await_home(Thread& thread);
// The thread has deleted the actor: it does not go on in the actor's code, to which it would come back from
// LAPs, handlers and the deletion. The invocations fail instead, each when it is the innermost.
void abandon_frames(Thread& self, const Actor& gone);
// It comes back to where its innermost frame is: if that is abandoned it goes on where an invocation fails,
// or else to an exception that nobody is spared.
void leave_abandoned(Thread& self);
// It does not come back from where it is: nobody waits for it any more. Of a thread that is in a nucleus
// call.
void drop_invocations(Thread& thread);

} // namespace chorale
