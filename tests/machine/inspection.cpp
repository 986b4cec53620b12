// Who can be reached from where.
#include "tests/machine/inspection.hpp"

#include "kernel/core/console_input.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/supervisor/handler.hpp"

namespace chorale::test {

namespace {

// Whether `request` lies in `owner` as `part` does in `sample`. Nothing is read there: it may be no such
// object.
template <class T, class Part>
[[nodiscard]] bool begins(const Request& request, const T* owner, const T& sample, const Part& part) {
    const auto address = [](const auto* of) { return reinterpret_cast<uword>(of); };
    return address(&request) - address(owner) == address(&part) - address(&sample);
}

} // namespace

std::ostream& operator<<(std::ostream& to, Named<Actor> actor) {
    return to << "actor " << actor.object.table_index << " (" << std::string_view{actor.object.name} << ")";
}

std::ostream& operator<<(std::ostream& to, Named<Thread> thread) {
    const Thread& self = thread.object;
    return to << "thread " << self.lid << " of actor " << self.actor->table_index << " on CPU "
              << self.cpu.load() << " [" << std::hex << self.state << std::dec << "]";
}

std::ostream& operator<<(std::ostream& to, Named<Port> port) {
    const Actor* const actor = port.object.actor;
    to << "port " << static_cast<long>(port.object.li);
    if (actor != nullptr) to << " of " << name(*actor);
    return to << " at CPU " << static_cast<CpuIndex>(port.object.home);
}

std::ostream& operator<<(std::ostream& to, const Place& place) {
    if (place.actor != nullptr) to << name(*place.actor) << ", ";
    return to << place.what << " " << std::hex << place.at << std::dec;
}

// An actor that is being deleted is in no table any more, but its deleter knows it.
void Inspection::add_actor(Actor* actor) {
    if (actor == nullptr || !actors_.insert(actor).second) return;
    unsigned threads = 0, ports = 0;
    actor->tables.with([&](const Actor::Tables& tables) {
        for (unsigned i = 0; i < Actor::thread_limit; ++i) {
            const Thread* const thread = tables.threads[i];
            if (thread == nullptr) continue;
            ++threads;
            expect(i < tables.threads_end, 0, name(*thread), " is beyond the end of ", name(*actor));
            expect(threads_.insert(thread).second, 0, name(*thread), " is in two tables");
            expect(thread->actor == actor && thread->lid == static_cast<KnThreadLid>(i), 0, name(*thread),
                   " is in the table of ", name(*actor), " as ", i);
        }
        for (unsigned i = 0; i < Actor::port_limit; ++i) {
            Port* const port = tables.ports[i];
            if (port == nullptr) continue;
            ++ports;
            if (port == &null_port()) continue; // kept for a port on its way
            expect(i < tables.ports_end, 0, name(*port), " is beyond the end of ", name(*actor));
            expect(attached_.insert(port).second, 0, name(*port), " is in two tables");
            expect(port->actor == actor && static_cast<long>(port->li) == static_cast<long>(i), 0,
                   name(*port), " is in the table of ", name(*actor), " as ", i);
            ports_.insert(port);
        }
        expect(tables.live_threads == threads, 0, name(*actor), " counts ", tables.live_threads,
               " threads and has ", threads);
        expect(tables.live_ports == ports, 0, name(*actor), " counts ", tables.live_ports, " ports and has ",
               ports);
    });
}

// Memory that was once a port remains one, so a stale pointer may be followed.
void Inspection::add_port(Port* port) {
    if (port != nullptr && port != &null_port()) ports_.insert(port);
}

// Also of those whose actor is in no table any more: who deletes it is at work, or waits for a time or for an
// answer.
void Inspection::collect_actors() {
    for (unsigned i = 0; i < actor_limit; ++i) add_actor(actor_at(i));
    for (CpuIndex index = 0; index < cpu_count(); ++index) {
        const PerCpu& cpu = cpu_at(index);
        if (cpu.current != nullptr) add_actor(cpu.current->actor);
        for (u32 priority = 0; priority < RunQueue::priorities; ++priority) {
            const RunQueue::Queue& queue = cpu.ready.queue(priority);
            for (const Schedulable* each = queue.front(); each != nullptr; each = queue.next(*each))
                add_actor(static_cast<const Thread*>(each)->actor);
        }
        cpu.timers.for_each([&](const Timer& timer, const Timer*) {
            if (is_scheduler_timer(cpu, timer)) return;
            if (is_event_timer(timer)) {
                event_timers_.emplace(static_cast<const EventTimer*>(&timer), index);
            } else if (!is_watchdog(timer) && !is_timeout(timer)) {
                add_actor(static_cast<const ThreadTimer&>(timer).thread->actor);
            }
        });
    }
    for (const auto& [request, travel] : travelling_) {
        for (const Thread* const thread : {travel.thread, travel.told, travel.woken}) {
            if (thread != nullptr) add_actor(thread->actor);
        }
    }
    for (bool more = true; more;) {
        const std::size_t before = actors_.size();
        const std::set<const Thread*> found = threads_;
        for (const Thread* const thread : found) add_actor(thread->victim);
        more = actors_.size() != before;
    }
}

void Inspection::collect() {
    collect_requests();
    collect_actors();
    for (const Thread* const thread : threads_) {
        add_port(thread->port);
        add_port(thread->fetch_port);
        timers_.emplace(&thread->timer, thread);
    }
    for (const auto& [request, travel] : travelling_) add_port(travel.port);
    collect_messages();
    collect_waiters();
}

// A Request begins what travels with it, and its place in that tells what that is.
Travel Inspection::identify(const Request& request, CpuIndex from, CpuIndex to) {
    static const Thread some_thread{};
    static const Message some_message{};
    static const EventTimer some_timer{};
    Travel travel{from, to};
    const auto& thread = static_cast<const ThreadRequest&>(request);
    const auto& message = static_cast<const MessageRequest&>(request);
    const auto& port = static_cast<const PortRequest&>(request);
    if (begins(request, thread.thread, some_thread, some_thread.request)) travel.thread = thread.thread;
    if (begins(request, message.message, some_message, some_message.request))
        travel.message = message.message;
    if (begins(request, port.port, null_port(), null_port().tour)) travel.port = port.port;
    const auto& loan = static_cast<const LoanRequest&>(request);
    const auto& waiter = static_cast<const WaiterRequest&>(request);
    if (begins(request, loan.thread, some_thread, some_thread.sync.news)) travel.told = loan.thread;
    if (begins(request, waiter.waiter, some_thread.sync.waiter, some_thread.sync.waiter.request))
        travel.woken = waiter.waiter->thread;
    const auto& timer = static_cast<const TimerRequest&>(request);
    if (begins(request, timer.timer, some_timer, some_timer.call) ||
        begins(request, timer.timer, some_timer, some_timer.delivery))
        travel.timer = timer.timer;
    travel.of_system = is_console_bell(request) || is_watchdog(request) || is_timeout(request);
    return travel;
}

void Inspection::collect_requests() {
    const auto add = [&](const Request& request, CpuIndex from, CpuIndex to) {
        for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) {
            if (&request == &cpu_at(cpu).pull.request) return; // a CPU asks for work
        }
        const Travel travel = identify(request, from, to);
        expect(travelling_.emplace(&request, travel).second, 4, "a Request from CPU ", from, " to CPU ", to,
               " is in two places");
        const bool known = travel.thread != nullptr || travel.message != nullptr || travel.port != nullptr ||
                           travel.told != nullptr || travel.woken != nullptr || travel.timer != nullptr ||
                           travel.of_system;
        expect(known, 4, "a Request from CPU ", from, " to CPU ", to, " is nobody's");
    };
    for (CpuIndex from = 0; from < cpu_count(); ++from) {
        for (CpuIndex to = 0; to < cpu_count(); ++to) {
            cpu_at(to).inbox.for_each_waiting(from, [&](const Request& request) { add(request, from, to); });
            cpu_at(from).inbox.for_each_kept(to, [&](const Request& request) { add(request, from, to); });
        }
    }
}

void Inspection::add_message(const Message* message, const Place& owner) {
    if (message == nullptr) return;
    const auto [place, first] = messages_.emplace(message, owner);
    expect(first, 17, "a message belongs to ", place->second, " and to ", owner);
}

void Inspection::collect_messages() {
    for (const Thread* const thread : threads_) {
        const auto lid = static_cast<u64>(thread->lid);
        add_message(thread->incoming, {"handed to thread", thread->actor, lid});
        add_message(thread->fetched, {"fetched for thread", thread->actor, lid});
        // What it handles may be its current message, too.
        const Message* inner = thread->handling;
        if (thread->has(flag_serving) && thread->serving != inner)
            add_message(thread->serving, {"served by thread", thread->actor, lid});
        for (const Message* each = inner; each != nullptr; each = inner) {
            add_message(each, {"handled by thread", thread->actor, lid});
            add_message(each->handling.original, {"sent to all by thread", thread->actor, lid});
            inner = each->handling.outer;
            if (each->handling.outer_serves && each->handling.outer_serving != inner)
                add_message(each->handling.outer_serving, {"served outside by thread", thread->actor, lid});
        }
    }
    for (Actor* const actor : actors_) {
        actor->tables.with(
            [&](const auto& tables) { add_message(tables.end_notice, {"kept for the end of", actor, 0}); });
        actor->saved.with([&](const auto& saved) {
            for (u64 place = 0; place < saved.size(); ++place)
                add_message(saved[place], {"saved by", actor, place});
        });
    }
    for (Port* const port : ports_) {
        for (const Message* each = port->queue.front(); each != nullptr; each = port->queue.next(*each))
            add_message(each, {"the queue of port", port->actor, static_cast<u64>(port->li)});
    }
    for (const auto& [request, travel] : travelling_) {
        add_message(travel.message, {"a mailbox"});
    }
    collect_carriers();
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu)
        add_message(cpu_at(cpu).spare_message.load(), {"the spare one of CPU", nullptr, cpu});
}

// `actor` is null where the port is deleted.
void Inspection::follow_waiters(Thread* first, CpuIndex cpu, const Port* port, const Actor* actor) {
    std::size_t length = 0;
    for (const Thread* thread = first; thread != nullptr; thread = thread->next_waiter) {
        if (!expect(known(thread), 18, "somebody waits at CPU ", cpu, " who is in no actor")) return;
        if (!expect(++length <= threads_.size(), 18, name(*thread), ": its list of waiters has no end"))
            return;
        ++waiting_[thread];
        expect(thread->doing() == Doing::receiving && !thread->has(flag_moving), 18, name(*thread),
               " is among the waiters and does not wait");
        expect(thread->cpu.load() == cpu, 8, name(*thread), " waits at CPU ", cpu);
        // K_ANYENABLED goes by the home actor, also in a LAP.
        const Actor* const where = port == &null_port() ? thread->actor : &execution_actor(*thread);
        const bool its = actor == nullptr || where == actor;
        expect(thread->port == port && its, 18, name(*thread), " is among the waiters of another port");
    }
}

void Inspection::collect_waiters() {
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) {
        for (Port* const port : ports_) {
            follow_waiters(port->slot(cpu).waiters, cpu, port,
                           port->life.load() != 0 ? static_cast<Actor*>(port->actor) : nullptr);
        }
        for (Actor* const actor : actors_) follow_waiters(actor->any_waiters[cpu], cpu, &null_port(), actor);
        expect(null_port().slot(cpu).waiters == nullptr, 18, "somebody waits at CPU ", cpu, " for no port");
    }
}

} // namespace chorale::test
