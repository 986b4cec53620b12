// Threads, CPUs and mailboxes; who reaches what is in inspection.cpp, the rest in invariants_ipc.cpp and
// invariants_memory.cpp.
#include "tests/machine/invariants.hpp"

#include "arch/host/cpu.hpp"
#include "arch/host/machine.hpp"
#include "kernel/trace/recorder.hpp"
#include "tests/machine/inspection.hpp"

#include <machine/timer.hpp>

#include <chorus/message_registers.h>

namespace chorale::test {

// ---- CPUs ------------------------------------------------------------------------------------------------

void Inspection::check_run_queue(const PerCpu& cpu) {
    u32 best = RunQueue::none;
    for (u32 priority = RunQueue::priorities; priority-- > 0;) {
        const RunQueue::Queue& queue = cpu.ready.queue(priority);
        expect(cpu.ready.marked(priority) != queue.empty(), 9, "CPU ", cpu.index, ": priority ", priority,
               " is marked wrongly");
        if (!queue.empty()) best = priority;
        for (const Schedulable* each = queue.front(); each != nullptr; each = queue.next(*each)) {
            const auto& thread = static_cast<const Thread&>(*each);
            if (!expect(known(&thread), 9, "CPU ", cpu.index, ": a ready thread is in no actor")) return;
            ++queued_[&thread];
            expect(thread.doing() == Doing::ready, 9, name(thread), " is in a run queue and not ready");
            expect(thread.cpu.load() == cpu.index, 8, name(thread), " is in the run queue of CPU ",
                   cpu.index);
            expect(thread.priority == priority && thread.queued_priority == priority, 9, name(thread),
                   " is in the queue of another priority");
        }
    }
    expect(best == cpu.top_ready, 9, "CPU ", cpu.index, ": the best ready priority is ", best, ", not ",
           cpu.top_ready);
}

void Inspection::check_timers(const PerCpu& cpu) {
    expect(cpu.timers.sound(), 11, "CPU ", cpu.index, ": its timer queue is no heap");
    cpu.timers.for_each([&](const Timer& timer, const Timer* parent) {
        if (is_event_timer(timer) || is_watchdog(timer) || is_timeout(timer) ||
            is_scheduler_timer(cpu, timer))
            return;
        const auto found = timers_.find(&timer);
        if (!expect(found != timers_.end(), 11, "CPU ", cpu.index, ": a timer of no thread is armed")) return;
        const Thread& thread = *found->second;
        ++armed_[&thread];
        expect(timer.armed(), 11, name(thread), ": its timer is queued and not armed");
        expect(thread.cpu.load() == cpu.index, 8, name(thread), ": its timer is at CPU ", cpu.index);
        expect(parent == nullptr || parent->deadline <= timer.deadline, 11, name(thread),
               ": an earlier timer is below a later one");
    });
    const u64 earliest = cpu.timers.earliest();
    if (earliest == TimerQueue::never) return;
    expect(cpu.programmed_deadline <= earliest, 11, "CPU ", cpu.index, ": no alarm for its earliest timer");
    expect(host::cpu(cpu.index).alarm <= earliest, 11, "CPU ", cpu.index,
           ": the machine's alarm is later than its earliest timer");
}

// Whose turn it is, whose time is counted, and who may be taken away.
void Inspection::check_sharing(const PerCpu& cpu) {
    u32 quanta = 0;
    for (const Thread* const thread : threads_) {
        const bool here = thread->cpu.load() == cpu.index && !thread->has(flag_moving);
        quanta += here && thread->scheduling.quantum != 0 ? 1 : 0;
    }
    expect(cpu.quanta % traced_share == quanta, 42, "CPU ", cpu.index, " has ", quanta,
           " threads with a quantum, not ", cpu.quanta);
    if (const Thread* const payer = cpu.turn.of; payer != nullptr) {
        if (!expect(known(payer), 42, "CPU ", cpu.index, ": the turn is of no thread")) return;
        expect(payer->cpu.load() == cpu.index, 42, name(*payer), " has its turn on CPU ", cpu.index);
        const bool contested = cpu.current != nullptr && cpu.top_ready <= payer->priority;
        const bool ends =
            cpu.turn.end.armed() || payer->has(flag_turn_over); // or has ended: when it is answered
        expect(!contested || ends, 42, "CPU ", cpu.index, ": a turn that others wait for is ", "without end");
    }
    const Thread* const metered = cpu.meter.of;
    expect(metered == nullptr || (known(metered) && metered->cpu.load() == cpu.index), 43, "CPU ", cpu.index,
           ": its meter runs for a thread that is not its own");
    expect(cpu.current == nullptr || metered != nullptr, 43, "CPU ", cpu.index, ": nobody's meter runs");
    expect(cpu.current == nullptr || !cpu.current->has(flag_metered) || metered == cpu.current, 43, "CPU ",
           cpu.index, ": the meter runs for another than the metered thread that it runs");
}

void Inspection::check_fpu(const PerCpu& cpu) {
    const bool live = cpu.fpu_live != 0;
    expect(live == host::cpu(cpu.index).fpu_on, 28, "CPU ", cpu.index, ": registers on, fpu_live ", live);
    if (!live) return;
    expect(cpu.current != nullptr && cpu.current->has(flag_fpu), 28, "CPU ", cpu.index,
           ": loaded registers are not the current thread's");
}

void Inspection::check_cpu(const PerCpu& cpu) {
    expect(cpu.self == &cpu && cpu.slot == cpu.index * sizeof(PortSlot), 2, "CPU ", cpu.index,
           ": its block does not know where it is");
    // A thread that has masked interrupts is not interrupted for it.
    expect(cpu.interrupt_masks != 0 || cpu.pending == pending_none, 3, "CPU ", cpu.index,
           ": work is pending: ", cpu.pending);
    expect(!cpu.inbox.polls(), 6, "CPU ", cpu.index, " says that it polls");
    expect(cpu.space_root == host::cpu(cpu.index).root, 24, "CPU ", cpu.index, ": another root is loaded");
    check_run_queue(cpu);
    check_timers(cpu);
    check_sharing(cpu);
    check_fpu(cpu);
    if (cpu.current == nullptr) {
        expect(cpu.top_ready == RunQueue::none, 9, "CPU ", cpu.index, " idles while a thread is ready");
        return;
    }
    if (!expect(known(cpu.current), 9, "CPU ", cpu.index, ": its current thread is in no actor")) return;
    const Thread& current = *cpu.current;
    expect(current.doing() == Doing::running, 9, name(current), " is current and not running");
    expect(current.cpu.load() == cpu.index, 8, name(current), " is current on CPU ", cpu.index);
    expect(current.priority <= cpu.top_ready, 9, name(current), " runs while a better thread is ready");
    expect(current.continuation == nullptr, 3, name(current), " left the nucleus before its work was done");
    expect(current.space->root() == cpu.space_root, 24, name(current), " runs in another space");
}

void Inspection::check_cpus() {
    for (CpuIndex index = 0; index < cpu_count(); ++index) {
        const PerCpu& cpu = cpu_at(index);
        expect(cpu.index == index, 2, "CPU ", index, " believes to be ", cpu.index);
        check_cpu(cpu);
        expect(!quiet() || cpu.current == nullptr, 0, "CPU ", index, " is not idle");
    }
}

// ---- mailboxes -------------------------------------------------------------------------------------------

// What `from` has sent to `to`, and whether either of them will be told.
void Inspection::check_lane(const PerCpu& from, const PerCpu& to) {
    bool waits = false, kept = false;
    to.inbox.for_each_waiting(from.index, [&](const Request&) { waits = true; });
    from.inbox.for_each_kept(to.index, [&](const Request&) { kept = true; });
    const bool rung = (to.inbox.bells() >> from.index & 1) != 0;
    expect(rung || !waits, 6, "CPU ", from.index, " sent to CPU ", to.index, " and did not ring");
    expect(from.inbox.backlog(to.index) == kept, 4, "CPU ", from.index, ": backlog to CPU ", to.index,
           kept ? " forgotten" : " imagined");
    const bool told =
        (to.inbox.starving() >> from.index & 1) != 0 || (from.inbox.bells() >> to.index & 1) != 0;
    expect(!kept || told, 6, "CPU ", from.index, " keeps requests to CPU ", to.index,
           " that nobody asks for");
    expect(!quiet() || (!waits && !kept), 4, "CPU ", from.index, ": requests to CPU ", to.index, " are left");
}

void Inspection::check_mail() {
    for (CpuIndex to = 0; to < cpu_count(); ++to) {
        const PerCpu& receiver = cpu_at(to);
        for (CpuIndex from = 0; from < cpu_count(); ++from) check_lane(cpu_at(from), receiver);
        const bool doorbell = (host::cpu(to).interrupts.load() & host::interrupt_doorbell) != 0;
        expect(receiver.inbox.bells() == 0 || doorbell, 6, "CPU ", to, " was rung without a doorbell");
    }
    for (const auto& [request, travel] : travelling_) {
        const Thread* const thread = travel.thread;
        if (thread == nullptr) continue;
        expect(thread->doing() == Doing::asking || thread->has(flag_moving), 10, name(*thread),
               ": its Request is out, and it neither asks nor moves");
    }
}

// ---- threads ---------------------------------------------------------------------------------------------

void Inspection::check_state(const Thread& thread) {
    const bool moving = thread.has(flag_moving), asking = thread.doing() == Doing::asking;
    const bool out = travelling_.contains(&thread.request);
    expect(out || !(asking || moving), 10, name(thread), " waits for its Request, which is nowhere");
    expect(!(asking && moving), 10, name(thread), " asks and moves");
    const bool engaged = asking || thread.victim != nullptr || thread.has(flag_finishing) ||
                         travelling_.contains(&thread.sync.news) ||
                         travelling_.contains(&thread.sync.waiter.request);
    // It dies when it is home.
    const bool awaited = thread.has(flag_awaited);
    expect(engaged || awaited || !thread.has(flag_dying), 10, name(thread),
           " is to die and nothing keeps it");
    expect(engaged || !thread.has(flag_bind), 10, name(thread), " is to move and nothing keeps it");
    expect(thread.doing() <= Doing::awaiting_timer && thread.doing() != Doing::nothing, 9, name(thread),
           " does nothing known");
    expect(!thread.has(flag_request_aborted) || thread.has(flag_serving), 17, name(thread),
           " serves an aborted request, and none");
    const bool receives = thread.doing() == Doing::receiving || asking || thread.continuation != nullptr;
    expect(!thread.has(flag_keeps) || receives, 18, name(thread), " keeps no message's body");
    const bool supervisor =
        thread.supervisor.innermost.raw() != 0 || thread.supervisor.base != SupervisorState::Base::user;
    expect(thread.has(flag_supervisor) == supervisor, 40, name(thread),
           thread.has(flag_supervisor) ? " is marked" : " is not marked", " as in supervisor mode");
    const bool own_space = thread.space == &thread.actor->space;
    expect(own_space || (thread.space == &nucleus_actor().space && thread.victim == thread.actor), 24,
           name(thread), " runs in a stranger's space");
}

// Where its state says that it is, and only there.
void Inspection::check_place(const Thread& thread) {
    const bool moving = thread.has(flag_moving);
    const CpuIndex cpu = thread.cpu.load();
    if (!expect(cpu < cpu_count(), 8, name(thread), " belongs to CPU ", cpu, ", which there is not")) return;
    const bool ready = thread.doing() == Doing::ready && !moving;
    expect(queued_[&thread] == (ready ? 1 : 0), 9, name(thread), " is ", ready ? "" : "not ", "ready and in ",
           queued_[&thread], " run queues");
    const bool current = cpu_at(cpu).current == &thread;
    expect(current == (thread.doing() == Doing::running), 9, name(thread),
           current ? " does not run" : " runs", " and is ", current ? "" : "not ", "current");
    const bool waits = thread.doing() == Doing::receiving && !moving;
    expect(waiting_[&thread] == (waits ? 1 : 0), 18, name(thread), waits ? " waits" : " does not wait",
           " for a message and is in ", waiting_[&thread], " lists of waiters");
    const bool timed = thread.has(flag_timed);
    expect(armed_[&thread] == (timed && !moving ? 1 : 0) && thread.timer.armed() == (timed && !moving), 11,
           name(thread), timed ? " waits for a time" : " waits for no time", " and has ", armed_[&thread],
           " timers");
    expect(!timed || thread.doing() >= Doing::receiving, 11, name(thread), " has a timer and does not wait");
    expect(!thread.has(flag_fpu) || (current && cpu_at(cpu).fpu_live != 0), 28, name(thread),
           ": its floating-point registers are not in the CPU");
}

void Inspection::check_pair(const Thread& thread) {
    if (const Thread* const server = thread.server; server != nullptr) {
        if (!expect(known(server), 14, name(thread), " is served by no thread")) return;
        expect(server->client == &thread, 14, name(*server), " does not know its client ", name(thread));
        expect(server->cpu.load() == thread.cpu.load(), 14, name(thread), " and ", name(*server),
               " are a fast pair on two CPUs");
        expect(thread.doing() == Doing::awaiting_reply, 14, name(thread),
               " is served and does not wait for it");
        expect(!thread.has(flag_moving) && !server->has(flag_moving), 14, name(thread),
               ": a fast pair moves");
    }
    if (const Thread* const client = thread.client; client != nullptr) {
        if (!expect(known(client), 14, name(thread), " serves no thread")) return;
        expect(client->server == &thread, 14, name(*client), " does not know its server ", name(thread));
        expect(thread.doing() != Doing::receiving, 15, name(thread),
               " receives while it serves a fast client");
        expect(!thread.has(flag_serving), 14, name(thread), " serves two clients");
    }
}

void Inspection::check_priority(const Thread& thread) {
    expect(thread.priority <= thread.base_priority, 13, name(thread),
           " runs with less than its own priority");
    if (thread.priority >= thread.base_priority) return;
    // One that it is still to get may be there already while it serves another.
    const auto lent_by = [&](const Message* message) {
        return message != nullptr && lends(*message) && message->priority < thread.base_priority;
    };
    bool lent = thread.client != nullptr || lent_by(thread.incoming) || lent_by(thread.serving) ||
                thread.sync.lent < thread.base_priority;
    for (const Message* each = thread.handling; each != nullptr; each = each->handling.outer)
        lent = lent || lent_by(each->handling.outer_serving);
    // Told that a client lends nothing any more, and the news is on its way.
    const bool told =
        const_cast<Thread&>(thread).sync.loans.with([](const Loans& loans) { return loans.news; });
    expect(lent || told, 13, name(thread), " runs with a priority that nobody lent");
}

// Then it is no reply to what the thread waits for in its handler.
[[nodiscard]] static bool handles(const Thread& thread, const Message& message) {
    const Message* each = thread.handling;
    while (each != nullptr && each != &message) each = each->handling.outer;
    return each != nullptr;
}

void Inspection::check_handling(const Thread& thread) {
    if (thread.handling == nullptr) return;
    expect(away_from_home(thread), 75, name(thread), " is at home and handles a message");
    for (const Message* each = thread.handling; each != nullptr; each = each->handling.outer) {
        expect(each->handling.ended != nullptr && !each->call, 75, name(thread),
               " handles a message that might be replied to otherwise");
        expect(!each->handling.replied || each != thread.serving, 75, name(thread),
               " has replied to its current message");
    }
}

// A wait for a reply: who will bring it?
void Inspection::check_wait(const Thread& thread) {
    expect(thread.has(flag_serving) || thread.serving == nullptr, 17, name(thread),
           " serves and does not know");
    if (thread.doing() != Doing::awaiting_reply) return;
    unsigned bearers = thread.server != nullptr ? 1 : 0;
    for (const auto& [message, owner] : messages_) {
        if (message->client == &thread && message->client_serial == thread.serial.load() &&
            message->transaction == thread.transaction && !handles(thread, *message)) {
            ++bearers;
        }
    }
    expect(bearers == 1, 14, name(thread), " awaits a reply that ", bearers, " others owe it");
}

// Memory of threads is never used for anything else, so what was seen there before can be compared.
void Inspection::check_serial(const Thread& thread) {
    static std::unordered_map<const Thread*, u64> seen;
    u64& last = seen[&thread];
    const u64 serial = thread.serial.load();
    expect(serial >= last, 12, name(thread), ": serial ", serial, " after ", last);
    last = serial;
}

void Inspection::check_threads() {
    for (const Thread* const thread : threads_) {
        check_state(*thread);
        check_place(*thread);
        check_pair(*thread);
        check_handling(*thread);
        check_priority(*thread);
        check_wait(*thread);
        check_serial(*thread);
    }
}

Findings check_invariants(Depth depth) {
    Inspection inspection{depth};
    inspection.collect();
    inspection.check_cpus();
    inspection.check_mail();
    inspection.check_threads();
    inspection.check_ports();
    inspection.check_messages();
    inspection.check_credits();
    inspection.check_actors();
    inspection.check_groups();
    inspection.check_sync();
    inspection.check_event_timers();
    if (depth != Depth::call) {
        inspection.check_spaces();
        inspection.check_frames();
        inspection.check_objects();
        inspection.check_tlbs();
    }
    return std::move(inspection.findings());
}

} // namespace chorale::test
