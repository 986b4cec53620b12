#include "kernel/ipc/port.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/names.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/mem/slab.hpp"

#include <new>

namespace chorale {

Port* port_table[port_buckets];

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

[[nodiscard]] Status enter_names(Port& port) {
    return buckets.with([&](Buckets& all) {
        if (all.used == port_buckets) return Status::full;
        while (port_table[all.next] != no_port) all.next = (all.next + 1) % port_buckets;
        port.ui = make_name(NameKind::port, all.next);
        // release: whoever finds the port sees its name; pairs with the data dependency of the lookup
        std::atomic_ref<Port*>{port_table[all.next]}.store(&port, std::memory_order_release);
        ++all.used;
        return Status::ok;
    });
}

void leave_names(Port& port) {
    buckets.with([&](Buckets& all) {
        // relaxed: a late reader still finds a port that says that it is dead
        std::atomic_ref<Port*>{port_table[bucket_of(port.ui.uiHead)]}.store(no_port,
                                                                                std::memory_order_relaxed);
        --all.used;
    });
}

[[nodiscard]] Status enter_table(Actor& actor, Port& port, bool default_port) {
    return actor.tables.with([&](Actor::Tables& tables) {
        // relaxed: the lock orders it
        if (actor.dying.load(std::memory_order_relaxed)) return Status::unknown;
        for (unsigned li = default_port ? 0 : 1; li < Actor::port_limit; ++li) {
            if (tables.ports[li] != nullptr) continue;
            tables.ports[li] = &port;
            ++tables.live_ports;
            // release: who still has this memory in Thread::port and finds its number there finds the new
            // port behind it; pairs with the acquire in own_port()
            std::atomic_ref<u64>{port.li}.store(li, std::memory_order_release);
            return Status::ok;
        }
        return Status::full;
    });
}

// The slots are empty, as eviction left them; they may belong to other CPUs' idea of the past and are not
// touched.
void reset(Port& port, Actor& actor) {
    port.actor = &actor;
    port.home = this_cpu().index;
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
    for (Port*& bucket : port_table) bucket = no_port;
    const auto size = static_cast<u32>(sizeof(Port) + cpus * sizeof(PortSlot));
    cache = ::new (static_cast<void*>(cache_storage))
        SlabCache{"ports", size, cache_line, Reuse::stable, construct};
}

// The name first, though nobody knows it yet; the table last: from then on anybody may delete the port by its
// number.
Result<Port*> create_port(Actor& actor, bool default_port) {
    const Result<void*> memory = cache->allocate();
    if (!memory.ok()) return memory.status();
    Port& port = *std::launder(static_cast<Port*>(memory.value()));
    reset(port, actor);
    Status status = enter_names(port);
    if (status == Status::ok) {
        // release: pairs with the acquire in accepts() (delivery.cpp)
        port.live.store(true, std::memory_order_release);
        status = enter_table(actor, port, default_port);
        if (status == Status::ok) return &port;
        leave_names(port);
        port.live.store(false, std::memory_order_relaxed); // relaxed: nobody knew of it
    }
    port.li = deleted_port_li;
    port.ui = {};
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
    // relaxed, twice: CPUs that still see the port alive are visited next, and evict what they did meanwhile
    std::atomic_ref<u64>{found->li}.store(deleted_port_li, std::memory_order_relaxed);
    found->live.store(false, std::memory_order_relaxed);
    return true;
}

void free_port(Port& port) {
    port.ui = {};
    cache->free(&port);
}

Port* find_port(const KnUniqueId& ui) {
    Port& port = port_candidate(ui.uiHead);
    // acquire: pairs with the release in create_port()
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
        for (Port* const port : tables.ports) {
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
