#include "kernel/ipc/port.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/names.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/ipc/group.hpp"
#include "kernel/ipc/message_handler.hpp"
#include "kernel/ipc/static_names.hpp"
#include "kernel/mem/slab.hpp"

#include <new>

namespace chorale {

std::atomic<Port*> port_table[all_port_buckets];

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
    StaticNames declared;
};
Guarded<Rank::names, Buckets> buckets;

void construct(void* memory) {
    Port* const port = ::new (memory) Port;
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) ::new (static_cast<void*>(&port->slot(cpu))) PortSlot;
}

// relaxed: for those who have the pointer from elsewhere, and find another life behind it; who finds the port
// by its name synchronises with the bucket
void set_name(Port& port, const KnUniqueId& name) {
    std::atomic_ref{port.ui.uiHead}.store(name.uiHead, std::memory_order_relaxed);
    std::atomic_ref{port.ui.uiTail}.store(name.uiTail, std::memory_order_relaxed); // relaxed, as above
}

template <Rank R>
[[nodiscard]] Status enter_names(const Held<R>& held, Port& port, const KnUniqueId* declared) {
    return buckets.with(held, [&](Buckets& all, const auto&) {
        if (declared != nullptr) {
            if (all.declared.find(*declared) != nullptr) return Status::busy;
            set_name(port, *declared);
            return all.declared.enter(port);
        }
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
        if (is_declared(port.ui)) return all.declared.leave(port);
        // relaxed: a late reader still finds a port that says that it is dead
        port_table[bucket_of(port.ui.uiHead)].store(no_port, std::memory_order_relaxed);
        --all.used;
    });
}

// The name first, though nobody knows it yet; the number last: from then on anybody may delete the port.
// Under one lock, so that no name that can be looked up is ever taken back without a grace period.
[[nodiscard]] Status enter_tables(Actor& actor, Port& port, bool default_port, const KnUniqueId* declared) {
    NothingHeld nothing;
    return actor.tables.with(nothing, [&](Actor::Tables& tables, const auto& held) {
        // relaxed: the lock orders it
        if (actor.dying.load(std::memory_order_relaxed)) return Status::unknown;
        for (unsigned li = default_port ? 0 : 1; li < Actor::port_limit; ++li) {
            if (tables.ports[li] != nullptr) continue;
            const Status status = enter_names(held, port, declared);
            if (status != Status::ok) return status;
            // release: pairs with the acquire in still_lives()
            port.life.store(declared == nullptr ? port.ui.uiTail : make_key(), std::memory_order_release);
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
    port.protection.set(actor.protection);
    port.handler.set({});
    port.handler_changes.store(false, std::memory_order_relaxed); // relaxed, as above
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
    init_groups();
}

Result<Port*> create_port(Actor& actor, bool default_port, const KnUniqueId* declared) {
    const Result<void*> memory = cache->allocate();
    if (!memory.ok()) return memory.status();
    Port& port = *std::launder(static_cast<Port*>(memory.value()));
    reset(port, actor);
    const Status status = enter_tables(actor, port, default_port, declared);
    if (status == Status::ok) return &port;
    port.actor.store(nullptr, std::memory_order_relaxed); // relaxed: nobody could reach it
    cache->free(&port);
    return status;
}

Port* Actor::Tables::port(unsigned li) const { return ports[li] != no_port ? ports[li] : nullptr; }

namespace {

// Takes it out of the actor's table. `moves`: for another's, which a static name forbids, and a message
// handler.
[[nodiscard]] bool leave_actor(Actor& actor, int li, Port*& found, bool moves = false) {
    return actor.tables.with([&](Actor::Tables& tables) {
        Port*& entry = tables.ports[static_cast<unsigned>(li)];
        if (entry == nullptr) return false;
        // A port that comes finds out at the end of its way whether the actor is there still. relaxed: who
        // deletes the actor asks here, and has said so
        const bool empty = entry == no_port;
        if (empty && !actor.dying.load(std::memory_order_relaxed)) return false;
        if (moves && !empty && (is_static_port(entry->ui) || entry->handler.get().ldKey != 0)) return false;
        found = entry;
        entry = nullptr;
        --tables.live_ports;
        return !empty;
    });
}

// relaxed, all: CPUs that still see the port as it was are visited next, and evict what they did meanwhile.
// The actor too, and here, before those visits: a server that still has this memory in Thread::port must
// never see the number of the port after this one with the actor of this one.
void take_number(Port& port) {
    port.li.store(deleted_port_li, std::memory_order_relaxed);
    port.actor.store(nullptr, std::memory_order_relaxed);
    port.enabled.store(false, std::memory_order_relaxed); // relaxed, all: as above
}

} // namespace

bool begin_port_deletion(Actor& actor, int li, Port*& found) {
    if (!leave_actor(actor, li, found)) return false;
    take_number(*found);
    forget_port(*found);
    return true;
}

void forget_port(Port& port) {
    leave_names(port);
    port.life.store(0, std::memory_order_relaxed); // relaxed: as in take_number()
    leave_groups(port);
}

// ---- from one actor to another (port_migration.hpp) --------------------------------------------

Result<int> keep_place(Actor& actor) {
    return actor.tables.with([&](Actor::Tables& tables) -> Result<int> {
        // relaxed: as in enter_tables()
        if (actor.dying.load(std::memory_order_relaxed)) return Status::unknown;
        for (unsigned li = 1; li < Actor::port_limit; ++li) {
            if (tables.ports[li] != nullptr) continue;
            tables.ports[li] = no_port;
            if (li >= tables.ports_end) tables.ports_end = li + 1;
            ++tables.live_ports;
            return static_cast<int>(li);
        }
        return Status::full;
    });
}

void give_up_place(Actor& actor, int li) {
    actor.tables.with([&](Actor::Tables& tables) {
        Port*& entry = tables.ports[static_cast<unsigned>(li)];
        if (entry != no_port) return; // the actor's deletion has been here
        entry = nullptr;
        --tables.live_ports;
    });
}

bool detach_port(Actor& actor, int li, Port*& found) {
    if (!leave_actor(actor, li, found, true)) return false;
    take_number(*found);
    return true;
}

bool attach_port(Port& port, const KnCap& capability, int li) {
    const Result<Actor*> found = find_actor(capability);
    if (!found.ok()) return false;
    Actor& actor = *found.value();
    return actor.tables.with([&](Actor::Tables& tables) {
        Port*& entry = tables.ports[static_cast<unsigned>(li)];
        // relaxed: as in enter_tables()
        if (entry != no_port || actor.dying.load(std::memory_order_relaxed)) return false;
        entry = &port;
        port.enabled.store(false, std::memory_order_relaxed); // relaxed, both: as in reset()
        port.actor.store(&actor, std::memory_order_relaxed);
        // release: as in enter_tables()
        port.li.store(static_cast<u64>(li), std::memory_order_release);
        return true;
    });
}

void free_port(Port& port) {
    free_memberships(port);
    set_name(port, {});
    cache->free(&port);
}

// If the port has been deleted, its deleter has been to this CPU, so it has no life or a later port's.
bool still_lives(const Port& port, u64 life) {
    // acquire: pairs with the release in enter_tables()
    return port.life.load(std::memory_order_acquire) == life && life != 0;
}

namespace {

// Not in its bucket.
[[nodiscard, gnu::noinline]] Port* find_elsewhere(const KnUniqueId& ui) {
    Port* const port = is_declared(ui) ? find_displaced(ui) : nullptr;
    // acquire: as in find_port()
    return port == nullptr || port->life.load(std::memory_order_acquire) == 0 ? nullptr : port;
}

} // namespace

[[gnu::always_inline]] Port* find_port(const KnUniqueId& ui) {
    Port& port = port_candidate(ui.uiHead);
    if (port.ui.uiHead != ui.uiHead || port.ui.uiTail != ui.uiTail) [[unlikely]]
        return find_elsewhere(ui);
    // acquire: pairs with the release in enter_tables()
    return port.life.load(std::memory_order_acquire) == 0 ? nullptr : &port;
}

Port* best_enabled_port(Actor& actor) {
    return actor.tables.with([&](Actor::Tables& tables) {
        Port* best = nullptr;
        int best_priority = 0;
        for (Port* const port : tables.known_ports()) {
            // relaxed: a message that is missed here comes with the port's token
            if (port == nullptr || port->queued.load(std::memory_order_relaxed) == 0) continue;
            if (has_handler(*port)) continue;
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
    return buckets.with([](Buckets& all) { return all.used + all.declared.count(); });
}

namespace {

// Under the lock of its actor's tables, in which it is.
void describe(const Port& port, unsigned li, KnPortStat& stat) {
    stat.psUi = port.ui;
    stat.psPortLi = static_cast<int>(li);
    stat.psFlags = has_handler(port) ? K_PORT_HANDLER : 0;
    // relaxed, all: as of some moment of the call
    if (port.enabled.load(std::memory_order_relaxed)) stat.psFlags |= K_PORT_ENABLED;
    stat.psPriority = port.enable_priority.load(std::memory_order_relaxed);
    stat.psQueued = port.queued.load(std::memory_order_relaxed) & ~handler_marks;
}

} // namespace

bool describe_next_port(Actor& actor, unsigned& li, KnPortStat& stat) {
    u64 life = 0;
    Port* const found = actor.tables.with([&](const Actor::Tables& tables) -> Port* {
        while (li < tables.known_ports().size()) {
            Port* const port = tables.port(li++);
            if (port == nullptr) continue;
            describe(*port, li - 1, stat);
            life = life_of(*port);
            return port;
        }
        return nullptr;
    });
    if (found == nullptr) return false;
    u64 received = 0;
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) received += found->slot(cpu).received;
    stat.psReceived = static_cast<KnEvtNum>(received);
    stat.psGroups = names_of_groups(*found, life, stat.psGroup);
    return true;
}

} // namespace chorale
