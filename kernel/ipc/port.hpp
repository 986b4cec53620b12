// A port: a message queue with an unforgeable name, attached to one actor.
//
// Each CPU has a slot for the server threads that wait there; only that CPU touches it, so a caller finds a
// waiter on its own CPU with plain loads and stores. The queue belongs to the port's home CPU. How the two
// meet without a lock is told in kernel/ipc/delivery.hpp.
//
// Port memory is type-stable and whoever follows a pointer to a port compares the whole name, so a stale
// pointer finds another name and no port. A static name may come back, in the same memory: who has kept the
// pointer over several entries compares the port's *life* instead, which is never used twice.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/core/mailbox.hpp"
#include "kernel/core/names.hpp"
#include "kernel/core/protection.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/lap/handlers.hpp"

#include <chorus.h>
#include <machine/cpu.hpp>

#include <atomic>

namespace chorale {

struct Actor;
struct Membership;
struct Port;
struct Thread;

// A slot has a cache line of its own: servers on several CPUs share no written line.
struct alignas(cache_line) PortSlot {
    Thread* waiters{};     // a stack through Thread::next_waiter: the warmest server first
    Relaxed<u64> received; // messages received through the port on this CPU, which alone counts
};

struct alignas(cache_line) PortHot {
    // Plain for whoever has found the port by its name in this entry: it is constant then. Others, who have
    // the pointer from elsewhere, ask still_lives().
    KnUniqueId ui{};
    std::atomic<u32> queued{};   // length of the queue; written by the home CPU, read by all; with the
                                 // marks of a message handler (kernel/ipc/message_handler.hpp)
    std::atomic<u64> li{};       // within the actor; deleted_port_li when deleted
    std::atomic<Actor*> actor{}; // null when deleted
    std::atomic<CpuIndex> home{};
    std::atomic<u64> life{}; // 0 when deleted
    std::atomic<u64> cpus{}; // CPUs where a server has ever waited, on this port or one before it in this
                             // memory: sticky, so that the fast path need not set it
};

struct PortRequest : Request {
    Port* port{};
};

struct Port : PortHot {
    List<Message, InPort> queue; // home CPU only
    PortRequest tour;            // the token that tells CPUs in `cpus` of queued messages
    u64 tour_left{};             // CPUs that it has still to see; written by whoever has the token
    bool touring{};              // home CPU only, as tour_again
    bool tour_again{};
    std::atomic<bool> enabled{};
    std::atomic<int> enable_priority{};
    ProtectionIdentifier protection;
    std::atomic<Port*> next_displaced{}; // kernel/ipc/static_names.hpp
    HandlerSlot handler;                 // its message handler; written under the lock of its actor's tables,
    std::atomic<bool> handler_changes{}; // as this, and by the home CPU
    Membership* memberships{};           // its groups (kernel/ipc/group.hpp); under their lock

    // The slots follow the port; how many there are is known only at boot. `offset`: PerCpu::slot.
    [[nodiscard]] PortSlot& slot_at(uword offset) {
        return *reinterpret_cast<PortSlot*>(reinterpret_cast<uword>(this + 1) + offset);
    }
    [[nodiscard]] PortSlot& slot(CpuIndex cpu) { return slot_at(cpu * sizeof(PortSlot)); }
};
static_assert(sizeof(Port) % cache_line == 0);

inline constexpr u64 deleted_port_li = static_cast<u32>(K_NONEPORT); // ids are 32 bits

// ---- the names -----------------------------------------------------------------------------------
// A name's head carries its bucket: a lookup is one probe and one compare. Dynamic names have the first half
// of the table, where no two live ports share a bucket; what static names do there is told in
// kernel/ipc/static_names.hpp.

inline constexpr unsigned all_port_buckets = 1u << name_bucket_bits;
inline constexpr unsigned port_buckets = all_port_buckets / 2; // of dynamic names
extern std::atomic<Port*> port_table[all_port_buckets]; // never null: an empty bucket holds null_port()
[[nodiscard]] Port& null_port();                        // nobody waits there and no actor owns it

[[nodiscard]] inline Port& port_candidate(u64 ui_head) {
    // pairs with the release in enter_names(): what is read of the port is read through this pointer
    return *port_table[bucket_of(ui_head)].load(machine::order_of_dependent_loads);
}

// Of a port that was found in this entry.
// relaxed: it may have been deleted meanwhile, and then has none
[[nodiscard]] inline u64 life_of(const Port& port) { return port.life.load(std::memory_order_relaxed); }
// For a pointer to a port that was kept over several entries: whether that port is still there.
[[nodiscard]] bool still_lives(const Port& port, u64 life);

// The live port of that name, or nullptr.
[[nodiscard]] Port* find_port(const KnUniqueId& ui);

// Among the enabled ports of the actor with queued messages, the one of best enable priority; nullptr: none.
[[nodiscard]] Port* best_enabled_port(Actor& actor);

void init_ports(unsigned cpus);
// A port of `actor`: its table entry, its name; `declared`: the static name that it shall have. The local id
// of the new port is in Port::li. Errors: no_memory, full, unknown; busy: there is a port of that name.
[[nodiscard]] Result<Port*> create_port(Actor& actor, bool default_port,
                                        const KnUniqueId* declared = nullptr);
// Takes the port out of both tables and its groups; false when somebody else did. The memory stays until
// free_port().
[[nodiscard]] bool begin_port_deletion(Actor& actor, int li, Port*& port);
void free_port(Port& port);

// For portMigrate, step by step (kernel/ipc/port_migration.hpp). Errors of the first: full, unknown.
[[nodiscard]] Result<int> keep_place(Actor& actor);
void give_up_place(Actor& actor, int li);
[[nodiscard]] bool detach_port(Actor& actor, int li, Port*& port);
[[nodiscard]] bool attach_port(Port& port, const KnCap& actor, int li); // false: the actor has gone
void forget_port(Port& port);                                           // by its name; one without an actor

[[nodiscard]] unsigned live_ports();
// For portStat: the actor's port of the lowest local id from `li` on; then `li` is behind it. False: none.
[[nodiscard]] bool describe_next_port(Actor& actor, unsigned& li, KnPortStat& stat);

} // namespace chorale
