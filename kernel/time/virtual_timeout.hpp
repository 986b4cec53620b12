// Virtual timeouts (svThreadVirtualTimeoutSet(2K)): LAPs that are invoked on a thread when it, or all of its
// actor together, has used so much CPU time.
//
// A thread's own wait in its list, which its CPU alone touches. An actor's wait in a list under a lock, and
// the CPUs that run its threads add what they use to the actor's account: each charge() looks whether a
// limit has been reached, and each CPU looks again when it could be, if all the CPUs used it up together.
//
// Whose time has come goes to the list of what is due of the thread that has just run, with flag_due. It is
// run when the thread goes back to its program, once it is at home.
#pragma once

#include "kernel/base/spin_lock.hpp"
#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

#include <lap/chLap.h>

namespace chorale {

struct Actor;
struct Thread;
struct VirtualTimeout;

inline constexpr unsigned virtual_timeout_limit = 64; // armed, of one thread or actor

// A member of Thread.
struct VirtualTimeouts {
    VirtualTimeout* armed{};
    VirtualTimeout* due{};
};

// A member of Actor.
struct ActorVirtualTime {
    struct List {
        VirtualTimeout* armed{};
    };
    Guarded<Rank::timeouts, List> list;
    // Cycles used by its threads since somebody wanted to know: at home, and in all.
    Relaxed<u64> home, total;
    // Nanoseconds of these at which something is due.
    Relaxed<u64> home_limit{~u64{0}}, total_limit{~u64{0}};
    Relaxed<bool> metered; // all its threads are, also those to come

    [[nodiscard]] bool limited() const { return (home_limit.load() & total_limit.load()) != ~u64{0}; }
};

// ---- for calls ----------------------------------------------------------------------------------

struct VirtualTimeoutSetting {
    u64 address{};
    u64 nanoseconds{};
    bool total{}; // else at home only
    KnLapDesc lap{};
};
// Armed by one of the next two, or thrown away. Error: no_memory.
[[nodiscard]] Result<VirtualTimeout*> make_virtual_timeout(const VirtualTimeoutSetting& setting);
void throw_away(VirtualTimeout& timeout);

// This CPU's thread. One with the same address is replaced. Error: full.
[[nodiscard]] Status arm_virtual(Thread& thread, VirtualTimeout& timeout);
[[nodiscard]] Status cancel_virtual(Thread& thread, u64 address); // error: invalid
[[nodiscard]] Status arm_virtual(Actor& actor, VirtualTimeout& timeout);
[[nodiscard]] Status cancel_virtual(Actor& actor, u64 address);

// ---- for CPU time -------------------------------------------------------------------------------

// The thread has used `cycles` more; it is this CPU's and has just run.
void look_at_limits(Thread& thread, u64 cycles, bool abroad);
// When to look again if it goes on like this: nanoseconds; ~0: never.
[[nodiscard]] u64 until_limit(const Thread& thread);

// In leave(): the current thread has flag_due and goes back to its program. Its next handler is entered.
void run_due(Thread& self);

// The ends.
void drop_virtual_timeouts(Thread& thread);
void drop_virtual_timeouts(Actor& actor);

} // namespace chorale
