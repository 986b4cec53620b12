// Ports, messages, names and actors.
#include "kernel/core/lifetime.hpp"
#include "kernel/core/names.hpp"
#include "kernel/ipc/group.hpp"
#include "kernel/ipc/message_handler.hpp"
#include "tests/machine/inspection.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace chorale::test {

namespace {

[[nodiscard]] bool same(const KnUniqueId& a, const KnUniqueId& b) {
    return a.uiHead == b.uiHead && a.uiTail == b.uiTail;
}

[[nodiscard]] bool is_migrating(const Port& port) {
    return port.life.load() != 0 && port.li == deleted_port_li;
}

[[nodiscard]] u64 message_count() { return live_messages() + spare_messages(); }

} // namespace

// ---- ports -----------------------------------------------------------------------------------------------

// Marked: while it is being connected its servers go, and its messages are handled.
void Inspection::check_handler(const Port& port, u64 length) {
    const bool connects = (port.queued.load() & drain_mark) != 0;
    expect((port.queued.load() & handler_mark) != 0, 74, name(port), " is being connected to no handler");
    expect(port.handler.get().ldKey != 0, 74, name(port), " is marked and has no handler");
    expect(!connects || port.handler_changes.load(), 74, name(port), " is being connected by nobody");
    if (connects) return;
    expect(length == 0, 74, name(port), " has a handler, and messages wait");
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu)
        expect(const_cast<Port&>(port).slot(cpu).waiters == nullptr, 74, name(port),
               " has a handler, and a server waits at CPU ", cpu);
}

void Inspection::check_queue(Port& port) {
    u64 length = 0;
    for (const Message* each = port.queue.front(); each != nullptr; each = port.queue.next(*each)) {
        ++length;
        expect(each->port == &port, 17, name(port), " holds a message for another port");
        expect(each->port_life == port.life.load(), 17, name(port), " holds a message for a port before it");
        expect(same(each->target, port.ui) || is_group(each->target), 17, name(port),
               " holds a message for another name");
    }
    const u32 counted = port.queued.load() & ~handler_marks;
    expect(counted == length, 19, name(port), " counts ", counted, " messages and has ", length);
    expect(!port.touring || travelling_.contains(&port.tour), 19, name(port), ": its token is lost");
    expect(port.touring || !travelling_.contains(&port.tour), 19, name(port), ": its token travels unknown");
    expect(!quiet() || !port.touring, 19, name(port), ": its token is under way");
    if (has_handler(port)) return check_handler(port, length);
    if (length == 0) return;
    check_token(port, length);
    const CpuIndex home = port.home;
    const Actor* const actor = port.actor;
    expect(port.slot(home).waiters == nullptr, 19, name(port), ": a message and a server wait at home");
    for (CpuIndex cpu = 0; quiet() && cpu < cpu_count(); ++cpu) {
        expect(port.slot(cpu).waiters == nullptr, 19, name(port), ": a message waits, and a server at CPU ",
               cpu);
        expect(!port.enabled.load() || actor == nullptr || actor->any_waiters[cpu] == nullptr, 19, name(port),
               ": a message waits, and at CPU ", cpu, " a server for any port");
    }
}

// Threads whose Request is about the port: to fetch a message, to make it known, to evict who waits there.
u64 Inspection::askers(const Port& port) const {
    const auto asks = [&](const Thread* thread) {
        return thread->doing() == Doing::asking && thread->fetch_port == &port;
    };
    return static_cast<u64>(std::ranges::count_if(threads_, asks));
}

// Messages and servers that wait for each other, with nobody under way to bring them together.
void Inspection::check_token(Port& port, u64 length) {
    const u64 asking = askers(port);
    if (length <= asking) return; // they may be for them
    const Actor* const actor = port.actor;
    const bool any = port.enabled.load() && actor != nullptr && asking == 0; // else it may not be known yet
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) {
        const bool waits = port.slot(cpu).waiters != nullptr || (any && actor->any_waiters[cpu] != nullptr);
        const bool comes = port.touring && ((port.tour_left >> cpu & 1) != 0 || port.tour_again);
        expect(!waits || comes, 19, name(port), ": messages and a server at CPU ", cpu,
               " wait, and no token comes");
    }
}

void Inspection::check_live_port(Port& port) {
    expect(port.life.load() != 0, 22, name(port), " is in a table and dead");
    expect(kind_of(port.ui) == NameKind::port || is_declared(port.ui), 21, name(port), " has no port's name");
    const Port* const found = port_table[bucket_of(port.ui.uiHead)];
    const bool displaced = found != nullptr && found != &port && is_declared(port.ui);
    expect(found == &port || (displaced && find_port(port.ui) == &port), 21, name(port),
           " is not found by its name");
    expect(port.home < cpu_count(), 21, name(port), " is at home nowhere");
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) {
        const bool waits = port.slot(cpu).waiters != nullptr;
        expect(!waits || (port.cpus.load() >> cpu & 1) != 0, 19, name(port), ": CPU ", cpu,
               " has a server that no token will visit");
    }
    check_queue(port);
}

// What threads still point at: a port that is going, memory that nobody uses.
void Inspection::check_dead_port(Port& port) {
    expect(port.life.load() == 0, 22, name(port), " lives and is in no table");
    expect(port.li == deleted_port_li, 22, name(port), " is deleted and has a number");
    if (!quiet() && askers(port) != 0) return;
    expect(port.queue.empty() && !port.touring, 22, name(port), " is deleted and has messages");
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu)
        expect(port.slot(cpu).waiters == nullptr, 22, name(port), " is deleted and waited for at CPU ", cpu);
}

// On its way to another actor: it has a name, and nothing else but its queue.
void Inspection::check_migrating_port(Port& port) {
    expect(!quiet() && askers(port) != 0, 22, name(port), " goes to another actor, and nobody sees to it");
    expect(port.actor == nullptr && !port.enabled.load(), 22, name(port), " is on its way and somebody's");
}

void Inspection::check_port_table() {
    unsigned used = 0, migrating = 0;
    for (const Port* const port : ports_) {
        const bool moves = is_migrating(*port);
        if ((!moves && !attached_.contains(port)) || !is_declared(port->ui)) continue;
        if (port_table[bucket_of(port->ui.uiHead)] == port) continue;
        ++used; // displaced
        migrating += moves ? 1 : 0;
    }
    for (unsigned bucket = 0; bucket < all_port_buckets; ++bucket) {
        const Port* const port = port_table[bucket];
        if (!expect(port != nullptr, 21, "bucket ", bucket, " is null")) continue;
        if (port == &null_port()) continue;
        ++used;
        if (!attached_.contains(port) && is_migrating(*port) && ports_.contains(const_cast<Port*>(port)))
            ++migrating;
        else
            expect(attached_.contains(port), 21, "bucket ", bucket, " leads to a port of no actor");
        expect(bucket_of(port->ui.uiHead) == bucket, 21, name(*port), " is in a bucket not its own");
    }
    expect(used == live_ports(), 21, live_ports(), " ports are counted and ", used, " have a name");
    expect(used == attached_.size() + migrating, 21, attached_.size(), " ports are in actors and ", used,
           " have a name");
    expect(null_port().life.load() == 0 && null_port().li == deleted_port_li && null_port().queue.empty(), 21,
           "the null port is somebody");
}

void Inspection::check_ports() {
    check_port_table();
    for (Port* const port : ports_) {
        if (attached_.contains(port)) {
            check_live_port(*port);
        } else if (is_migrating(*port)) {
            check_migrating_port(*port);
        } else {
            check_dead_port(*port);
        }
    }
}

// ---- messages --------------------------------------------------------------------------------------------

void Inspection::check_messages() {
    expect(messages_.size() == message_count(), 17, message_count(), " messages exist and ", messages_.size(),
           " have an owner");
    for (const auto& [message, owner] : messages_) {
        expect(message->page_count <= Message::page_limit, 17, "a message of ", owner, " has ",
               message->page_count, " pages");
        expect(message->request.message == message, 17, "a message of ", owner, " travels as another");
        const bool spare = std::string_view{owner.what}.starts_with("the spare");
        expect(!spare || message->page_count == 0, 17, "a free message holds pages");
    }
}

// Who has sent what is under way pays for it, and for nothing else.
void Inspection::check_credits() {
    std::map<const CreditAccount*, u64> spent;
    for (const auto& [message, owner] : messages_) {
        const std::string_view where{owner.what};
        const bool queued = where.starts_with("the queue");
        // Its own end notices and requests to mappers the nucleus pays for itself.
        const bool own =
            message->answered != nullptr || message->source.uiTail == nucleus_actor().default_port->ui.uiTail;
        const bool free_of_charge = own || (message->call && fits_registers(*message));
        expect(message->payer == nullptr || queued || where.starts_with("a mailbox"), 73, "a message of ",
               owner, " is still paid for");
        expect(!queued || message->payer != nullptr || free_of_charge, 73, "nobody pays for a message in ",
               owner);
        if (message->payer != nullptr && message->payer->counts(*message))
            spent[message->payer] += message->credits;
    }
    for (const Actor* const actor : actors_)
        expect(actor->credits.used() == spent[&actor->credits], 73, name(*actor), " counts ",
               actor->credits.used(), " credits and has spent ", spent[&actor->credits]);
}

// ---- actors ----------------------------------------------------------------------------------------------

void Inspection::check_actors() {
    std::set<std::pair<u64, u64>> names;
    unsigned in_table = 0;
    for (Actor* const actor : actors_) {
        const bool found = actor_at(actor->table_index) == actor;
        in_table += found ? 1 : 0;
        const KnCap& capability = actor->capability;
        expect(actor->dying.load() != found, 22, name(*actor), found ? " dies and" : " lives and",
               found ? " is found" : " is not found");
        expect(names.emplace(capability.ui.uiHead, capability.ui.uiTail).second, 21, name(*actor),
               " has another one's name");
        expect(kind_of(capability.ui) == NameKind::actor &&
                   bucket_of(capability.ui.uiHead) == actor->table_index,
               21, name(*actor), " has no actor's name");
        for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) {
            const bool waits = actor->any_waiters[cpu] != nullptr;
            expect(!waits || (actor->any_cpus.load() >> cpu & 1) != 0, 19, name(*actor), ": CPU ", cpu,
                   " has a server for any port that no token will visit");
        }
        if (!found) continue;
        const Port* const first =
            actor->tables.with([](const Actor::Tables& tables) { return tables.ports[0]; });
        expect(actor->default_port == first, 0, name(*actor), ": its default port is not in its table");
        expect(!quiet() || !actor->dying.load(), 0, name(*actor), " is half deleted");
    }
    expect(in_table == live_actors(), 0, live_actors(), " actors are counted and ", in_table, " are found");
    expect(!quiet() || in_table == actors_.size(), 0, "an actor is half deleted");
    expect(threads_.size() == live_threads(), 0, live_threads(), " threads are counted and ", threads_.size(),
           " are in actors");
    for (const Port* const port : attached_) {
        expect(names.emplace(port->ui.uiHead, port->ui.uiTail).second, 21, name(*port),
               " has another one's name");
    }
}

} // namespace chorale::test
