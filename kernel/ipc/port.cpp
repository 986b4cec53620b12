#include "kernel/ipc/port.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/names.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/mem/slab.hpp"

#include <new>

namespace chorale {

std::atomic<Port*> port_table[port_buckets];

namespace {

// The size of a port depends on the number of CPUs, so its cache is made at boot.
alignas(SlabCache) std::byte cache_storage[sizeof(SlabCache)];
SlabCache* cache;
alignas(cache_line) std::byte null_port_storage[sizeof(Port) + max_cpus * sizeof(PortSlot)];
Port* no_port;

struct Buckets {
    unsigned
        next{}; // where the search for a free bucket begins: a name's bucket is reused as late as possible
    unsigned used{};
};
Guarded<Rank::names, Buckets> buckets;

void construct(void* memory) {
    Port* const port = ::new (memory) Port;
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) ::new (static_cast<void*>(&port->slot(cpu))) PortSlot;
}

// relaxed: for those who have the pointer from elsewhere, see still_has(); who finds the port by its name
// synchronises with the bucket
void set_name(Port& port, const KnUniqueId& name) {
    std::atomic_ref{port.ui.uiHead}.store(name.uiHead, std::memory_order_relaxed);
    std::atomic_ref{port.ui.uiTail}.store(name.uiTail, std::memory_order_relaxed); // relaxed, as above
}

template <Rank R>
[[nodiscard]] Status enter_names(const Held<R>& held, Port& port) {
    return buckets.with(held, [&](Buckets& all, const auto&) {
        if (all.used == port_buckets) return Status::full;
        // relaxed: written under this lock only
        while (port_table[all.next].load(std::memory_order_relaxed) != no_port)
            all.next = (all.next + 1) % port_buckets;
        set_name(port, make_name(NameKind::port, all.next));
        // release: whoever finds the port sees its name; pairs with the dependency in port_candidate()
        port_table[all.next].store(&port, std::memory_order_release);
        ++all.used;
        return Status::ok;
    });
}

void leave_names(Port& port) {
    buckets.with([&](Buckets& all) {
        // relaxed: a late reader still finds a port that says that it is dead
        port_table[bucket_of(port.ui.uiHead)].store(no_port, std::memory_order_relaxed);
        --all.used;
    });
}

// The name first, though nobody knows it yet; the number last: from then on anybody may delete the port.
// Under one lock, so that no name that can be looked up is ever taken back without a grace period.
[[nodiscard]] Status enter_tables(Actor& actor, Port& port, bool default_port) {
    NothingHeld nothing;
    return actor.tables.with(nothing, [&](Actor::Tables& tables, const auto& held) {
        // relaxed: the lock orders it
        if (actor.dying.load(std::memory_order_relaxed)) return Status::unknown;
        for (unsigned li = default_port ? 0 : 1; li < Actor::port_limit; ++li) {
            if (tables.ports[li] != nullptr) continue;
            if (const Status status = enter_names(held, port); status != Status::ok) return status;
            // release: pairs with the acquire in still_has()
            port.live.store(true, std::memory_order_release);
            tables.ports[li] = &port;
            if (li >= tables.ports_end) tables.ports_end = li + 1;
            ++tables.live_ports;
            // release: who still has this memory in Thread::port and finds its number there finds the new
            // port behind it; pairs with the acquire in own_port()
            port.li.store(li, std::memory_order_release);
            return Status::ok;
        }
        return Status::full;
    });
}

// The slots are empty, as eviction left them; they may belong to other CPUs' idea of the past and are not
// touched.
void reset(Port& port, Actor& actor) {
    port.actor.store(&actor, std::memory_order_relaxed); // relaxed, both: published with the name
    port.home.store(this_cpu().index, std::memory_order_relaxed);
    // Not `cpus`: a thread may still have this memory in Thread::port, from a port of the same actor and
    // number, and wait there again without setting its CPU's bit. A bit too many costs the token a needless
    // stop.
    port.queued.store(0, std::memory_order_relaxed); // relaxed: published with the name
    port.tour.port = &port;
    port.tour_left = 0;
    port.touring = port.tour_again = false;
    port.enabled.store(false, std::memory_order_relaxed); // relaxed, as above
    port.enable_priority.store(0, std::memory_order_relaxed);
    port.protection = actor.protection;
}

} // namespace

Port& null_port() { return *no_port; }

void init_ports(unsigned cpus) {
    no_port = ::new (static_cast<void*>(null_port_storage)) Port;
    no_port->li = deleted_port_li;
    for (std::atomic<Port*>& bucket : port_table) bucket = no_port;
    const auto size = static_cast<u32>(sizeof(Port) + cpus * sizeof(PortSlot));
    cache = ::new (static_cast<void*>(cache_storage))
        SlabCache{"ports", size, cache_line, Reuse::stable, construct};
}

Result<Port*> create_port(Actor& actor, bool default_port) {
    const Result<void*> memory = cache->allocate();
    if (!memory.ok()) return memory.status();
    Port& port = *std::launder(static_cast<Port*>(memory.value()));
    reset(port, actor);
    const Status status = enter_tables(actor, port, default_port);
    if (status == Status::ok) return &port;
    port.actor.store(nullptr, std::memory_order_relaxed); // relaxed: nobody could reach it
    cache->free(&port);
    return status;
}

bool begin_port_deletion(Actor& actor, int li, Port*& found) {
    const bool mine = actor.tables.with([&](Actor::Tables& tables) {
        Port*& entry = tables.ports[static_cast<unsigned>(li)];
        if (entry == nullptr) return false;
        found = entry;
        entry = nullptr;
        --tables.live_ports;
        return true;
    });
    if (!mine) return false;
    leave_names(*found);
    // relaxed, all three: CPUs that still see the port alive are visited next, and evict what they did
    // meanwhile. The actor too, and here, before those visits: a server that still has this memory in
    // Thread::port must never see the number of the port after this one with the actor of this one.
    found->li.store(deleted_port_li, std::memory_order_relaxed);
    found->actor.store(nullptr, std::memory_order_relaxed); // relaxed, both: as above
    found->live.store(false, std::memory_order_relaxed);
    return true;
}

void free_port(Port& port) {
    set_name(port, {});
    cache->free(&port);
}

// If the port has been deleted, its deleter has been to this CPU, so `live` is false or a later port's; and
// then that port's name is seen too.
bool still_has(const Port& port, const KnUniqueId& name) {
    // acquire: pairs with the release in enter_tables()
    if (!port.live.load(std::memory_order_acquire)) return false;
    auto& ui = const_cast<KnUniqueId&>(port.ui); // std::atomic_ref wants it so
    // relaxed, both: see set_name()
    return std::atomic_ref{ui.uiHead}.load(std::memory_order_relaxed) == name.uiHead &&
           std::atomic_ref{ui.uiTail}.load(std::memory_order_relaxed) == name.uiTail;
}

Port* find_port(const KnUniqueId& ui) {
    Port& port = port_candidate(ui.uiHead);
    // acquire: pairs with the release in enter_tables()
    if (port.ui.uiHead != ui.uiHead || port.ui.uiTail != ui.uiTail ||
        !port.live.load(std::memory_order_acquire)) {
        return nullptr;
    }
    return &port;
}

Port* best_enabled_port(Actor& actor) {
    return actor.tables.with([&](Actor::Tables& tables) {
        Port* best = nullptr;
        int best_priority = 0;
        for (Port* const port : tables.known_ports()) {
            // relaxed: a message that is missed here comes with the port's token
            if (port == nullptr || port->queued.load(std::memory_order_relaxed) == 0) continue;
            if (!port->enabled.load(std::memory_order_relaxed))
                continue; // relaxed, twice: which is best is a snapshot
            const int priority = port->enable_priority.load(std::memory_order_relaxed);
            if (best != nullptr && priority >= best_priority) continue;
            best = port;
            best_priority = priority;
        }
        return best;
    });
}

unsigned live_ports() {
    return buckets.with([](Buckets& all) { return all.used; });
}

} // namespace chorale
