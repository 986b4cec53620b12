#include "kernel/core/actor.hpp"

#include "kernel/core/names.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/slab.hpp"

#include <machine/cpu.hpp>

namespace chorale {

namespace {

constexpr u64 page_quota = 32 * 1024; // 128 MiB for each actor

constinit Cache<Actor, Reuse::stable> actors{"actors"};

Actor* nucleus;

// An actor's place is its own from enter_table() to free_actor(): threads of one that is being deleted still
// run, and what they have is known by their actor's place.
struct Table {
    std::array<Actor*, actor_limit> entry{};    // found by name
    std::array<Actor*, actor_limit> resident{}; // those, and who is being deleted
    std::array<bool, actor_limit> hidden{};     // of the residents
    unsigned used{};
    unsigned places{}; // with a resident
    unsigned next{};
};
Guarded<Rank::actors, Table> table;

[[nodiscard]] Status enter_table(Actor& actor) {
    return table.with([&](Table& all) {
        if (all.places == actor_limit) return Status::full;
        while (all.resident[all.next] != nullptr) all.next = (all.next + 1) % actor_limit;
        actor.table_index = all.next;
        actor.capability = {make_name(NameKind::actor, all.next), make_key()};
        all.entry[all.next] = all.resident[all.next] = &actor;
        ++all.used;
        ++all.places;
        return Status::ok;
    });
}

void reset(Actor& actor, std::string_view name, KnActorPrivilege privilege, const KnProtId& protection,
           bool stopped) {
    actor.privilege.store(privilege);
    actor.stopped.store(stopped, std::memory_order_relaxed); // relaxed: published with the table entry
    actor.protection.set(protection);
    actor.default_port = nullptr;
    actor.site = {};
    actor.image = {};
    clear_handlers(actor);
    actor.credits.open();
    actor.any_cpus.store(0, std::memory_order_relaxed); // relaxed, both: published with the table entry
    actor.dying.store(false, std::memory_order_relaxed);
    actor.tables.with([](Actor::Tables& tables) { tables.past = {}; });
    set_actor_name(actor, name);
    actor.tables.with([](Actor::Tables& tables) {
        tables.threads_end = tables.ports_end = 0;
        tables.ended.home.store(0);
        tables.ended.abroad.store(0);
    });
}

// An empty one: one step or two.
void destroy_space(Actor& actor) {
    while (!actor.space.destroy_step()) {
    }
}

} // namespace

void set_actor_name(Actor& actor, std::string_view name) {
    const std::size_t length = name.size() < K_ACTORNAMEMAX ? name.size() : K_ACTORNAMEMAX - 1;
    actor.tables.with([&](Actor::Tables&) {
        __builtin_memset(actor.name, 0, sizeof actor.name);
        __builtin_memcpy(actor.name, name.data(), length);
    });
}

[[gnu::noinline]] void read_actor_name(Actor& actor, char (&name)[K_ACTORNAMEMAX]) {
    actor.tables.with([&](Actor::Tables&) { __builtin_memcpy(name, actor.name, sizeof name); });
}

void set_actor_stopped(Actor& actor, bool stopped) {
    // relaxed: under the lock, as in create_thread()
    actor.tables.with([&](Actor::Tables&) { actor.stopped.store(stopped, std::memory_order_relaxed); });
}

Result<Actor*> create_actor(std::string_view name, KnActorPrivilege privilege, const KnProtId& protection,
                            bool stopped) {
    const Result<Actor*> made = actors.make();
    if (!made.ok()) return made;
    Actor& actor = *made.value();
    reset(actor, name, privilege, protection, stopped);
    machine::interrupt_window(); // nobody knows the actor yet
    Status status = actor.space.create(page_quota);
    machine::interrupt_window();
    if (status == Status::ok) {
        const Result<Port*> port = create_port(actor, true);
        status = port.status();
        if (port.ok()) {
            actor.default_port = port.value();
            status = enter_table(actor);
            if (status == Status::ok) return &actor;
            Port* dead{};
            if (begin_port_deletion(actor, K_DEFAULTPORT, dead)) free_port(*dead);
        }
        destroy_space(actor);
    }
    actors.destroy(&actor);
    return status;
}

Result<Actor*> find_actor(const KnCap& capability) {
    if (kind_of(capability.ui) != NameKind::actor) return Status::invalid;
    return table.with([&](Table& all) -> Result<Actor*> {
        Actor* const actor = all.entry[bucket_of(capability.ui.uiHead) % actor_limit];
        if (actor == nullptr || actor->capability.ui.uiHead != capability.ui.uiHead ||
            actor->capability.ui.uiTail != capability.ui.uiTail) {
            return Status::unknown;
        }
        if (actor->capability.key != capability.key) return Status::invalid;
        return actor;
    });
}

bool begin_actor_deletion(Actor& deleter, Actor& actor) {
    const bool mine = table.with([&](Table& all) {
        // relaxed: under the lock of the table
        const bool doomed = &deleter != &actor && deleter.dying.load(std::memory_order_relaxed);
        if (doomed || all.entry[actor.table_index] != &actor) return false;
        all.entry[actor.table_index] = nullptr;
        --all.used;
        actor.dying.store(true, std::memory_order_relaxed); // relaxed: as above
        return true;
    });
    // Whoever looked at `dying` under the lock of the actor's tables before is through with them now.
    if (mine) {
        actor.tables.with([](Actor::Tables&) {});
        actor.timers.tables.with([](ActorTimers::Tables&) {});
    }
    return mine;
}

bool init_actors() {
    const Result<Actor*> made = create_actor("nucleus", K_SYSTEMACTOR, {});
    if (made.ok()) nucleus = made.value();
    return made.ok();
}

Actor& nucleus_actor() { return *nucleus; }

void free_actor(Actor& actor) {
    table.with([&](Table& all) {
        all.resident[actor.table_index] = nullptr;
        all.hidden[actor.table_index] = false;
        --all.places;
    });
    actors.destroy(&actor);
}

void discard_actor(Actor& actor) {
    static_cast<void>(begin_actor_deletion(nucleus_actor(), actor));
    Port* port{};
    if (begin_port_deletion(actor, K_DEFAULTPORT, port)) free_port(*port);
    destroy_space(actor);
    free_actor(actor);
}

unsigned live_actors() {
    return table.with([](Table& all) { return all.used; });
}

bool describe_actor_at(unsigned index, KnActorStat& stat) {
    return table.with([&](Table& all) {
        const Actor* const actor = all.entry[index];
        if (actor == nullptr) return false;
        stat.asCap = actor->capability;
        // relaxed: of this moment
        stat.asStatus = actor->stopped.load(std::memory_order_relaxed) ? K_STOPPED : K_ACTIVE;
        return true;
    });
}

Actor* actor_at(unsigned index) {
    return table.with([&](Table& all) { return all.entry[index]; });
}

Actor* resident_at(unsigned index) {
    return table.with([&](Table& all) { return all.hidden[index] ? nullptr : all.resident[index]; });
}

void hide_resident(Actor& actor) {
    table.with([&](Table& all) { all.hidden[actor.table_index] = true; });
}

} // namespace chorale
