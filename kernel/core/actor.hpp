// An actor: the container of threads, ports and an address space. What is attached to it goes with it.
//
// Locks: `tables` guards the two tables and the names; the rest is constant after creation or belongs to
// whoever deletes the actor. Actor memory is type-stable; a capability (name and key) tells whether it is
// still the same actor.
#pragma once

#include "kernel/base/spin_lock.hpp"
#include "kernel/base/types.hpp"
#include "kernel/core/protection.hpp"
#include "kernel/core/site_data.hpp"
#include "kernel/ipc/credits.hpp"
#include "kernel/ipc/saved.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/mem/relaxed.hpp"
#include "kernel/mem/space.hpp"
#include "kernel/mipc/opening.hpp"
#include "kernel/sched/scheduling.hpp"
#include "kernel/time/event_timer.hpp"
#include "kernel/time/virtual_timeout.hpp"

#include <chorus.h>

#include <array>
#include <atomic>
#include <bit>
#include <span>
#include <string_view>

namespace chorale {

struct Message;
struct Port;
struct Thread;

struct Actor {
    static constexpr unsigned thread_limit = 256;
    static constexpr unsigned port_limit = 256;

    struct Tables {
        std::array<Thread*, thread_limit> threads{};
        std::array<Port*, port_limit> ports{};
        KnThreadStatistics past{}; // of threads that have ended
        unsigned live_threads{};
        unsigned live_ports{};
        unsigned threads_end{}, ports_end{}; // from here on no place has been used yet
        CpuTime ended;                       // used by threads that are no more
        Message* end_notice{};               // kernel/core/end_notice.hpp; null: nobody has asked

        [[nodiscard]] std::span<Thread* const> known_threads() const {
            return std::span{threads}.first(threads_end);
        }
        // nullptr also for a place that is kept for a port on its way (kernel/ipc/port_migration.hpp).
        [[nodiscard]] Port* port(unsigned li) const;
        [[nodiscard]] std::span<Port* const> known_ports() const { return std::span{ports}.first(ports_end); }
    };

    Space space;
    KnCap capability{};
    Guarded<Rank::actor, Tables> tables;
    Relaxed<KnActorPrivilege> privilege;
    ProtectionIdentifier protection;
    Port* default_port{};
    // Servers that wait for any enabled port, for each CPU; each list belongs to its CPU. `any_cpus` is
    // sticky.
    std::array<Thread*, max_cpus> any_waiters{};
    std::atomic<u64> any_cpus{};
    std::atomic<bool> dying{};
    std::atomic<bool> stopped{}; // its threads are; changed under the lock of `tables`
    // Its threads in queues of synchronisation objects; in the upper half: how many have ever begun to wait.
    std::atomic<u64> sync_waits{};
    static constexpr u64 one_wait_begun = (u64{1} << 32) + 1;
    [[nodiscard]] static u32 waiting_now(u64 waits) { return static_cast<u32>(waits); }
    u32 table_index{};
    ActorTimers timers;
    SiteData site{};
    VirtRange image; // of a supervisor actor's program, in the supervisor space; empty: it has none
    Handlers handlers{};
    u32 laps{};               // that it owns; under the lock of the table of LAPs
    u32 interrupt_handlers{}; // under the lock of the interrupt lines
    ActorVirtualTime virtual_time{};
    LocalCaches caches{};
    SavedMessages saved{};
    CreditAccount credits{};
    ActorMessageSpaces message_spaces{};
    alignas(u64) char name[K_ACTORNAMEMAX]{}; // under the lock of `tables`
};

// ---- the table of actors -----------------------------------------------------------------------

// Makes an empty actor with its default port. Errors: no_memory, full.
[[nodiscard]] Result<Actor*> create_actor(std::string_view name, KnActorPrivilege privilege,
                                          const KnProtId& protection, bool stopped = false);

// The actor that a capability names, if it lives; K_MYACTOR is dealt with by the caller.
[[nodiscard]] Result<Actor*> find_actor(const KnCap& capability);

// Takes the name out of the table: from now on nobody finds the actor. False when somebody else did so
// before, or when `deleter`, whose thread asks, is being deleted itself: two actors never delete each other.
[[nodiscard]] bool begin_actor_deletion(Actor& deleter, Actor& actor);
void free_actor(Actor& actor);
// One that nobody was told of and in which no thread has been: no CPU has seen it.
void discard_actor(Actor& actor);
void set_actor_name(Actor& actor, std::string_view name);
void read_actor_name(Actor& actor, char (&name)[K_ACTORNAMEMAX]);
// New threads are born stopped from now on, or not any more.
void set_actor_stopped(Actor& actor, bool stopped);

// The nucleus itself as an actor: its empty space is where threads without an actor's space run.
[[nodiscard]] Actor& nucleus_actor();
[[nodiscard]] bool init_actors(); // false: no memory

[[nodiscard]] unsigned live_actors();
inline constexpr unsigned actor_limit = 1024;
// The same for actorStat; false: none.
[[nodiscard]] bool describe_actor_at(unsigned index, KnActorStat& stat);
[[nodiscard]] Actor* actor_at(unsigned index); // by Actor::table_index; nullptr: none. For inspection.
// The same, also of one that is being deleted, until hide_resident(). Its place is nobody else's before
// free_actor().
[[nodiscard]] Actor* resident_at(unsigned index);
void hide_resident(Actor& actor);

} // namespace chorale
