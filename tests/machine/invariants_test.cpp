// Each invariant of threads, messages and names is broken in a system at rest, seen to be reported, and put
// right again. Memory: invariants_memory_test.cpp.
#include "arch/host/cpu.hpp"
#include "arch/host/machine.hpp"
#include "kernel/ipc/message_handler.hpp"
#include "tests/machine/standing.hpp"

#include <machine/timer.hpp>

namespace chorale::test {

TEST(Invariants, cpus) {
    with_standing([](Standing&) {
        PerCpu& cpu = cpu_at(0);
        broken(cpu.pending, pending_mail, 3, "work is pending");
        broken(cpu.top_ready, 7, 9, "the best ready priority");
        broken(cpu.slot, 64, 2, "does not know where it is");
        broken(cpu.index, 3, 2, "believes to be");
        broken(cpu.space_root, 4096, 24, "another root is loaded");
        broken(cpu.current, nullptr, 9, "idles while a thread is ready");
        broken(cpu.fpu_live, 0, 28, "registers on");
        broken(cpu_at(1).programmed_deadline, ~u64{0}, 11, "no alarm for its earliest timer");
        broken(host::cpu(1).alarm, machine::no_deadline, 11, "the machine's alarm is later");
        cpu.inbox.poll();
        expect_reported(6, "says that it polls");
        static_cast<void>(cpu.inbox.stop_polling());
    });
}

// The requests do nothing when they are run.
TEST(Invariants, mailboxes) {
    static PortRequest lost, twice;
    lost.run = twice.run = [](Request&) {};
    const auto look = [](Standing&) {
        this_cpu().inbox.post(1, lost);
        expect_reported(4, "is nobody's");
        const u32 bells = host::cpu(1).interrupts.exchange(0);
        expect_reported(6, "was rung without a doorbell");
        host::cpu(1).interrupts = bells;
        this_cpu().inbox.post(1, twice);
        this_cpu().inbox.post(1, twice);
        expect_reported(4, "is in two places");
        expect_reported(4, "are left", Depth::quiet);
    };
    with_standing(look, false);
}

TEST(Invariants, states_of_threads) {
    with_standing([](Standing& all) {
        constexpr auto state = [](Doing doing) { return static_cast<u32>(doing); };
        broken(all.sleeper->state, state(Doing::asking) | flag_timed, 10, "which is nowhere");
        broken(all.sleeper->state, all.sleeper->state | flag_dying, 10, "is to die and nothing keeps it");
        broken(all.sleeper->state, all.sleeper->state | flag_bind, 10, "is to move and nothing keeps it");
        broken(all.sleeper->state, all.sleeper->state & ~u32{flag_timed}, 11, "waits for no time");
        broken(all.sleeper->state, state(Doing::running), 9, "runs and is not current");
        broken(all.sleeper->state, state(Doing::ready), 9, "ready and in 0 run queues");
        broken(all.sleeper->state, state(Doing::nothing), 9, "does nothing known");
        broken(all.sleeper->space, &all.receiver->actor->space + 1, 24, "runs in a stranger's space");
        broken(all.sleeper->serial, 0, 12, "serial");
        broken(all.ready->state, state(Doing::inactive), 9, "is in a run queue and not ready");
        broken(all.ready->cpu, 2, 8, "is in the run queue of CPU 0");
        broken(all.ready->cpu, 77, 8, "which there is not");
        broken(all.ready->queued_priority, 3, 9, "is in the queue of another priority");
        broken(all.ready->state, all.ready->state | flag_fpu, 28, "are not in the CPU");
        broken(all.ready->state, all.ready->state | flag_moving, 10, "which is nowhere");
        broken(all.ready->state, all.ready->state | flag_supervisor, 40, "is marked as in supervisor mode");
        broken(cpu_at(0).current->state, state(Doing::ready), 9, "is current and not running");
        broken(cpu_at(0).current->cpu, 1, 8, "is current on CPU 0");
        broken(cpu_at(0).current->continuation, [](Thread&) {}, 3, "before its work was done");
    });
}

TEST(Invariants, timers) {
    with_standing([](Standing& all) {
        cpu_at(1).timers.for_each([](const Timer& timer, const Timer* parent) {
            if (parent == nullptr) return;
            broken(const_cast<Timer&>(timer).deadline, 0, 11, "an earlier timer is below a later one");
        });
        ThreadTimer stranger;
        stranger.thread = all.sleeper;
        cpu_at(2).timers.arm(stranger, ~u64{0} - 1);
        expect_reported(11, "a timer of no thread is armed");
        cpu_at(2).timers.cancel(stranger);
        const u64 deadline = all.sleeper->timer.deadline;
        cpu_at(1).timers.cancel(all.sleeper->timer);
        expect_reported(11, "has 0 timers");
        cpu_at(2).timers.arm(all.sleeper->timer, deadline);
        expect_reported(8, "its timer is at CPU 2");
        cpu_at(2).timers.cancel(all.sleeper->timer);
        cpu_at(1).timers.arm(all.sleeper->timer, deadline);
    });
}

TEST(Invariants, pairs) {
    with_standing([](Standing& all) {
        ASSERT_EQ(all.client->server, all.server);
        ASSERT_NE(all.slow_server->serving, nullptr);
        broken(all.server->client, nullptr, 14, "does not know its client");
        broken(all.client->server, all.receiver, 14, "does not know its server");
        broken(all.client->server, nullptr, 14, "awaits a reply that 0 others owe it");
        broken(all.server->cpu, 1, 14, "are a fast pair on two CPUs");
        broken(all.client->state, static_cast<u32>(Doing::inactive), 14, "does not wait for it");
        broken(all.server->state, all.server->state | flag_serving, 14, "serves two clients");
        broken(all.receiver->client, all.client, 15, "receives while it serves");
        broken(all.slow_client->transaction, 1000, 14, "awaits a reply that 0 others owe it");
        broken(all.slow_server->state, all.slow_server->state & ~u32{flag_serving}, 17, "does not know");
        broken(all.ready->priority, 100, 13, "runs with a priority that nobody lent");
        broken(all.ready->priority, 250, 13, "with less than its own priority");
    });
}

TEST(Invariants, waiters) {
    with_standing([](Standing& all) {
        broken(all.waited->slot(0).waiters, nullptr, 18, "is in 0 lists of waiters");
        broken(all.waited->slot(1).waiters, all.receiver, 18, "is in 2 lists of waiters");
        broken(all.waited->slot(1).waiters, all.receiver, 8, "waits at CPU 1");
        broken(all.receiver->next_waiter, all.receiver, 18, "has no end");
        broken(all.receiver->port, all.queued, 18, "among the waiters of another port");
        broken(all.receiver->state, static_cast<u32>(Doing::inactive), 18, "and does not wait");
        broken(all.actor->any_waiters[1], nullptr, 18, "is in 0 lists of waiters");
        broken(all.actor->any_cpus, 0, 19, "that no token will visit");
        broken(all.waited->cpus, 0, 19, "that no token will visit");
        broken(null_port().slot(3).waiters, all.receiver, 18, "for no port");
    });
}

TEST(Invariants, messages) {
    with_standing([](Standing& all) {
        ASSERT_NE(all.message, nullptr);
        broken(all.queued->queued, 1, 19, "counts 1 messages and has 3");
        broken(all.queued->queued, handler_mark | 3, 74, "is marked and has no handler");
        broken(all.queued->queued, handler_mark | 3, 74, "has a handler, and messages wait");
        broken(all.queued->queued, drain_mark | 3, 74, "is being connected to no handler");
        broken(all.waited->queued, handler_marks, 74, "is being connected by nobody");
        broken(all.waited->queued, handler_mark, 74, "has a handler, and a server waits at CPU 0");
        static Message stray;
        stray.handling = {};
        stray.call = false;
        broken(all.receiver->handling, &stray, 75, "might be replied to otherwise");
        broken(all.message->port, all.waited, 17, "holds a message for another port");
        broken(all.message->port_life, 1, 17, "for a port before it");
        broken(all.message->target.uiTail, 1, 17, "for another name");
        broken(all.receiver->incoming, all.message, 17, "a message belongs to");
        broken(all.message->page_count, 99, 17, "has 99 pages", Depth::call);
        broken(all.message->request.message, nullptr, 17, "travels as another");
        broken(all.queued->touring, true, 19, "its token is lost");
        broken(all.queued->slot(all.queued->home).waiters, all.receiver, 19, "a server wait at home");
        broken(all.queued->slot(3).waiters, all.receiver, 19, "no token comes");
        broken(all.queued->enabled, true, 19, "no token comes");
        const Result<Message*> lost = allocate_message();
        ASSERT_TRUE(lost.ok());
        expect_reported(17, "messages exist and");
        free_message(*lost.value());
    });
}

TEST(Invariants, names) {
    with_standing([](Standing& all) {
        Port& port = *all.waited;
        broken(port.life, 0, 22, "is in a table and dead");
        Port* const old = all.sleeper->fetch_port;
        all.sleeper->fetch_port = &port;
        Actor::Tables& tables =
            all.actor->tables.with([](Actor::Tables& held) -> Actor::Tables& { return held; });
        broken(tables.ports[static_cast<unsigned>(port.li)], nullptr, 22, "lives and is in no table");
        all.sleeper->fetch_port = old;
        broken(port.ui.uiHead, port.ui.uiHead ^ u64{3} << 47, 21, "has no port's name");
        broken(port.li, 9, 0, "is in the table of");
        broken(port.home, 60, 21, "is at home nowhere");
        broken(port_table[bucket_of(port.ui.uiHead)], nullptr, 21, "is null");
        broken(port_table[bucket_of(port.ui.uiHead)], &null_port(), 21, "is not found by its name");
        broken(port_table[bucket_of(port.ui.uiHead)], all.queued, 21, "is in a bucket not its own");
        broken(null_port().life, 1, 21, "the null port is somebody");
        const KnUniqueId other = nucleus_actor().capability.ui;
        broken(all.actor->capability.ui, other, 21, "has another one's name");
        broken(port.ui, all.queued->ui, 21, "has another one's name");
        broken(all.actor->capability.ui.uiHead, 0, 21, "has no actor's name");
        broken(all.actor->dying, true, 22, "dies and is found");
        broken(all.actor->default_port, all.waited, 0, "its default port is not in its table");
        broken(all.actor->table_index, 1000, 22, "lives and is not found");
    });
}

TEST(Invariants, tables) {
    with_standing([](Standing& all) {
        Actor::Tables& tables =
            all.actor->tables.with([](Actor::Tables& held) -> Actor::Tables& { return held; });
        broken(tables.live_threads, 3, 0, "threads and has");
        broken(tables.live_ports, 77, 0, "ports and has");
        broken(tables.threads_end, 1, 0, "is beyond the end");
        broken(tables.ports_end, 0, 0, "is beyond the end");
        broken(tables.threads[200], all.sleeper, 0, "is in two tables");
        broken(tables.ports[200], all.waited, 0, "is in two tables");
        const auto lid = static_cast<unsigned>(all.receiver->lid);
        broken(tables.threads[lid], nullptr, 18, "who is in no actor");
        broken(tables.threads[static_cast<unsigned>(all.ready->lid)], nullptr, 9, "in no actor");
        broken(tables.threads[static_cast<unsigned>(all.client->lid)], nullptr, 14, "serves no thread");
        broken(tables.threads[static_cast<unsigned>(all.server->lid)], nullptr, 14, "is served by no thread");
        broken(tables.threads[lid], nullptr, 0, "threads are counted");
        broken(tables.ports[static_cast<unsigned>(all.queued->li)], nullptr, 21, "of no actor");
    });
}

} // namespace chorale::test
