// A port: a message queue with an unforgeable name, attached to one actor.
//
// Each CPU has a slot for the server threads that wait there; only that CPU touches it, so a caller finds a
// waiter on its own CPU with plain loads and stores. The queue belongs to the port's home CPU. How the two
// meet without a lock is told in kernel/ipc/delivery.hpp.
//
// Port memory is type-stable and whoever follows a pointer to a port compares the whole name, so a stale
// pointer finds another name and no port.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/core/mailbox.hpp"
#include "kernel/core/names.hpp"
#include "kernel/ipc/message.hpp"

#include <chorus.h>
#include <machine/cpu.hpp>

#include <atomic>

namespace chorale {

struct Actor;
struct Port;
struct Thread;

// A slot has a cache line of its own: servers on several CPUs share no written line.
struct alignas(cache_line) PortSlot {
    Thread* waiters{}; // a stack through Thread::next_waiter: the warmest server first
    u64 received{};    // messages received through the port on this CPU
};

struct alignas(cache_line) PortHot {
    // Plain for whoever has found the port by its name in this entry: it is constant then. Others, who have
    // the pointer from elsewhere, compare it by still_has().
    KnUniqueId ui{};
    std::atomic<u32> queued{};   // length of the queue; written by the home CPU, read by all
    std::atomic<u64> li{};       // within the actor; deleted_port_li when deleted
    std::atomic<Actor*> actor{}; // null when deleted
    std::atomic<CpuIndex> home{};
    std::atomic<bool> live{};
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
    KnProtId protection{};

    // The slots follow the port; how many there are is known only at boot. `offset`: PerCpu::slot.
    [[nodiscard]] PortSlot& slot_at(uword offset) {
        return *reinterpret_cast<PortSlot*>(reinterpret_cast<uword>(this + 1) + offset);
    }
    [[nodiscard]] PortSlot& slot(CpuIndex cpu) { return slot_at(cpu * sizeof(PortSlot)); }
};
static_assert(sizeof(Port) % cache_line == 0);

inline constexpr u64 deleted_port_li = static_cast<u32>(K_NONEPORT); // ids are 32 bits

// ---- the names
// --------------------------------------------------------------------------------------------------- A
// dynamic name's head carries its bucket, and no two live ports share one: a lookup is one probe and one
// compare.

inline constexpr unsigned port_buckets = 1u << name_bucket_bits;
extern std::atomic<Port*> port_table[port_buckets]; // never null: an empty bucket holds null_port()
[[nodiscard]] Port& null_port();                    // nobody waits there and no actor owns it

[[nodiscard]] inline Port& port_candidate(u64 ui_head) {
    // pairs with the release in enter_names(): what is read of the port is read through this pointer
    return *port_table[bucket_of(ui_head)].load(machine::order_of_dependent_loads);
}

// For a pointer to a port that was kept over several entries: whether the port still lives there under that
// name.
[[nodiscard]] bool still_has(const Port& port, const KnUniqueId& name);

// The live port of that name, or nullptr.
[[nodiscard]] Port* find_port(const KnUniqueId& ui);

// Among the enabled ports of the actor with queued messages, the one of best enable priority; nullptr: none.
[[nodiscard]] Port* best_enabled_port(Actor& actor);

void init_ports(unsigned cpus);
// A port of `actor`: its table entry, its name. The local id of the new port is in Port::li.
[[nodiscard]] Result<Port*> create_port(Actor& actor, bool default_port);
// Takes the port out of both tables; false when somebody else did. The memory stays until free_port().
[[nodiscard]] bool begin_port_deletion(Actor& actor, int li, Port*& port);
void free_port(Port& port);

[[nodiscard]] unsigned live_ports();

} // namespace chorale
