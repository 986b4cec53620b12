// Suite stress: random calls, kills and migrations on every CPU; the invariants are those of
// stress_traffic.hpp, and at the end the nucleus has as many objects as at the beginning. Options:
// smp.stress=<seconds> (20; 0: not at all) for all cases together, seed=<number>.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "stress_messages.hpp"
#include "stress_traffic.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

namespace chorale::test {
namespace {

constexpr unsigned usual_seconds = 20;
constexpr unsigned warm_up_milliseconds = 300;
constexpr std::size_t stack_size = 12288;

// Everything that a worker thread uses, in one piece of a region.
struct alignas(4096) Worker {
    unsigned char stack[stack_size];
    Buffers buffers;
    ClientPlan plan;
    int portli;
    int stable;
    KnThreadLid thread;
    std::atomic<bool> finished;
};

Worker* workers; // servers, then clients, then victims
std::uint64_t seed;
std::uint32_t incarnations;

Worker& server_worker(unsigned i) { return workers[i]; }
Worker& client_worker(unsigned i) { return workers[server_limit + i]; }
Worker& victim_worker(unsigned i) { return workers[server_limit + client_limit + i]; }
constexpr unsigned worker_count = server_limit + client_limit + victim_limit;

void server_body(std::uintptr_t worker) {
    Worker& self = *reinterpret_cast<Worker*>(worker);
    run_server(self.portli, self.stable, self.buffers);
    traffic.counters.unexpected_result(-1000); // only its deletion ends a stable server
}

void client_body(std::uintptr_t worker) {
    Worker& self = *reinterpret_cast<Worker*>(worker);
    run_client(self.plan, self.buffers);
    self.finished.store(true); // pairs with wait_for_clients()
}

int start_worker(Worker& worker, ThreadBody body, Random& random) {
    worker.finished = false;
    const unsigned priority = main_priority + 1 + random.below(10);
    worker.thread = start_thread(
        {body, address_of(&worker), worker.stack, stack_size, priority, random.below(traffic.cpus)});
    return worker.thread;
}

std::uint32_t new_incarnation() { return ++incarnations << 16; }

// ---- children: their globals are copies, `child_*` those of the child ----

Buffers child_buffers[child_servers + 1];
ClientPlan child_plan;

void child_server(std::uintptr_t portli) {
    run_server(static_cast<int>(portli & 0xffff), -1, child_buffers[portli >> 16]);
}

void child_client(std::uintptr_t) { run_client(child_plan, child_buffers[child_servers]); }

Child children[child_limit];

int make_child(unsigned index, Random& random) {
    Child& child = children[index];
    child_plan = {first_child_client + index, new_incarnation(), seed + incarnations, true};
    if (const int error = child.create("stress"); error < 0) {
        return error;
    }
    for (unsigned i = 0; i < child_servers; ++i) {
        KnUniqueId name{};
        const int li = portCreate(&child.capability(), &name);
        const std::uintptr_t argument = static_cast<std::uintptr_t>(li) | std::uintptr_t{i} << 16;
        const unsigned priority = main_priority + 1 + random.below(10);
        if (li < 0 || child.start(child_server, argument, priority, random.below(traffic.cpus)) < 0) {
            return K_ENOMEM;
        }
        traffic.child_ports[index * child_servers + i].set(name);
    }
    const unsigned priority = main_priority + 1 + random.below(10);
    return child.start(child_client, 0, priority, random.below(traffic.cpus));
}

// What the child found wrong, then its end.
int end_child(Report& report, unsigned index) {
    Counters seen;
    Child& child = children[index];
    if (vmCopy(&child.capability(), address_of(&traffic.counters), K_MYACTOR, address_of(&seen), sizeof(seen),
               0) == K_OK) {
        CHECK_EQ(seen.corrupted, traffic.counters.corrupted);
        CHECK_EQ(seen.unexpected, traffic.counters.unexpected);
    }
    return child.destroy();
}

// ---- the run ----

bool start_all(Report& report, Random& random) {
    bool good = true;
    traffic.stop = false;
    for (unsigned i = 0; i < traffic.servers; ++i) {
        KnUniqueId name{};
        Worker& worker = server_worker(i);
        worker.portli = portCreate(K_MYACTOR, &name);
        worker.stable = static_cast<int>(i);
        traffic.stable[i].set(name);
        good = good && worker.portli > 0 && start_worker(worker, server_body, random) > 0;
    }
    for (unsigned i = 0; i < child_limit; ++i) {
        good = make_child(i, random) > 0 && good;
    }
    for (unsigned i = 0; i < traffic.clients; ++i) {
        client_worker(i).plan = {i, new_incarnation(), seed + incarnations, false};
        good = start_worker(client_worker(i), client_body, random) > 0 && good;
        traffic.client_threads[i] = client_worker(i).thread;
    }
    for (unsigned i = 0; i < victim_limit; ++i) {
        victim_worker(i).plan = {first_victim + i, new_incarnation(), seed + incarnations, true};
        good = start_worker(victim_worker(i), client_body, random) > 0 && good;
    }
    CHECK(good);
    return good;
}

void replace_victim(Report& report, Random& random) {
    const unsigned i = random.below(victim_limit);
    Worker& worker = victim_worker(i);
    CHECK_EQ(threadDelete(K_MYACTOR, worker.thread), K_OK);
    worker.plan = {first_victim + i, new_incarnation(), seed + incarnations, true};
    CHECK(start_worker(worker, client_body, random) > 0);
}

Worker& random_worker(Random& random) {
    const unsigned i = random.below(traffic.servers + traffic.clients + victim_limit);
    if (i < traffic.servers) {
        return server_worker(i);
    }
    return i < traffic.servers + traffic.clients ? client_worker(i - traffic.servers)
                                                 : victim_worker(i - traffic.servers - traffic.clients);
}

void disturb(Report& report, Random& random) {
    const unsigned choice = random.below(100);
    if (choice < 30) {
        replace_victim(report, random);
    } else if (choice < 75) {
        const int error = threadBind(K_MYACTOR, random_worker(random).thread, random.below(traffic.cpus),
                                     nullptr, K_NONEXCLUSIVE);
        CHECK(error == K_OK || error == K_EBUSY || error == K_ENOMEM);
    } else if (choice < 95) {
        const KnFifoThParms next{K_SCHED_FIFO, main_priority + 1 + random.below(10)};
        CHECK_EQ(threadScheduler(K_MYACTOR, random_worker(random).thread, nullptr, &next), K_OK);
    } else {
        const unsigned index = random.below(child_limit);
        CHECK_EQ(end_child(report, index), K_OK);
        CHECK(make_child(index, random) > 0);
    }
}

void run_for(Report& report, Random& random, std::uint64_t milliseconds) {
    const std::uint64_t start = now_microseconds();
    std::uint64_t next_line = start + 5000000;
    for (std::uint64_t now = start; now < start + milliseconds * 1000; now = now_microseconds()) {
        sleep_milliseconds(1 + random.below(3));
        disturb(report, random);
        if (now >= next_line) {
            print("stress: %lu s, %lu calls, %lu to children, %lu sends, %u incarnations\n",
                  (now - start) / 1000000, traffic.counters.calls.load(), traffic.counters.child_calls.load(),
                  traffic.counters.sends.load(), incarnations);
            next_line += 5000000;
        }
    }
}

bool clients_finished() {
    for (unsigned i = 0; i < traffic.clients + victim_limit; ++i) {
        const Worker& worker = i < traffic.clients ? client_worker(i) : victim_worker(i - traffic.clients);
        if (!worker.finished.load()) {
            return false;
        }
    }
    return true;
}

void stop_all(Report& report) {
    traffic.stop = true;
    CHECK(eventually(clients_finished, patience));
    CHECK(eventually([] { return traffic.counters.received_sends == traffic.counters.sends; }));
    for (unsigned i = 0; i < child_limit; ++i) {
        CHECK_EQ(end_child(report, i), K_OK);
    }
    for (unsigned i = 0; i < traffic.servers; ++i) {
        CHECK_EQ(threadDelete(K_MYACTOR, server_worker(i).thread), K_OK);
        CHECK_EQ(portDelete(K_MYACTOR, server_worker(i).portli), K_OK);
    }
    // Threads whose bodies have ended delete themselves.
    for (unsigned i = 0; i < traffic.clients + victim_limit; ++i) {
        threadDelete(K_MYACTOR,
                     (i < traffic.clients ? client_worker(i) : victim_worker(i - traffic.clients)).thread);
    }
}

void one_run(Report& report, std::uint64_t milliseconds) {
    Random random{seed + milliseconds};
    if (start_all(report, random)) {
        run_for(report, random, milliseconds);
    }
    stop_all(report);
}

void check_counters(Report& report) {
    const Counters& counters = traffic.counters;
    CHECK_EQ(counters.corrupted, 0);
    CHECK_EQ(counters.doubled, 0);
    CHECK_EQ(counters.unexpected_error, 0);
    CHECK_EQ(counters.unexpected, 0);
    CHECK_EQ(counters.received_sends, counters.sends);
    CHECK(counters.calls > 0);
    CHECK(counters.sends > 0);
}

void check_objects(Report& report, const KnSysStatistics& before) {
    KnSysStatistics after{};
    const auto settled = [&] {
        sysStatistics(&after);
        return after.actors <= before.actors && after.threads <= before.threads &&
               after.ports <= before.ports && after.messages <= before.messages &&
               after.regions <= before.regions;
    };
    (void)eventually(settled);
    CHECK(after.actors <= before.actors);
    CHECK(after.threads <= before.threads);
    CHECK(after.ports <= before.ports);
    CHECK(after.messages <= before.messages);
    CHECK(after.regions <= before.regions);
    CHECK_EQ(after.slabObjects, before.slabObjects);
    CHECK(after.freePages + 256 >= before.freePages); // page tables and caches may have grown
}

void smp(Report& report) {
    const unsigned long seconds = stress_seconds();
    if (seconds == 0) {
        report.skip("smp.stress=0");
        return;
    }
    seed = environment_number("seed", 1);
    traffic.cpus = cpu_count();
    traffic.servers = traffic.cpus * 2 < server_limit ? traffic.cpus * 2 : server_limit;
    traffic.clients = traffic.cpus * 2 < client_limit ? traffic.cpus * 2 : client_limit;
    KnRgnDesc region{0, worker_count * sizeof(Worker), K_WRITABLE | K_FILLZERO | K_ANYWHERE, 0, nullptr, 0};
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    workers = reinterpret_cast<Worker*>(region.startAddr);
    // The nucleus's caches fill up once; what is there afterwards must not grow.
    one_run(report, warm_up_milliseconds);
    KnSysStatistics before{};
    sleep_milliseconds(20);
    before = settled_statistics();
    one_run(report, seconds * 1000);
    check_counters(report);
    check_objects(report, before);
    region.options = 0;
    CHECK_EQ(rgnFree(K_MYACTOR, &region), K_OK);
}

constexpr Case cases[] = {{"smp", smp}, {"messages", stress_messages}};

} // namespace

unsigned long stress_seconds() { return (environment_number("smp.stress", usual_seconds) + 1) / 2; }

const Suite stress_suite{"stress", cases};

} // namespace chorale::test
