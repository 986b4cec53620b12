// Suite pulling: CPUs with nothing to do get threads that wait for others.
#include "check.hpp"
#include "helper.hpp"

#include <chorus.h>
#include <chorus/message.hpp>

namespace chorale::test {
namespace {

constexpr unsigned worker_limit = 12;
struct Worker {
    std::atomic<unsigned> rounds, moves;
    std::atomic<int> cpu;
};
Worker workers[worker_limit];
std::atomic<bool> stop_work;

void work(std::uintptr_t index) {
    Worker& worker = workers[index];
    while (!stop_work.load()) {
        const int cpu = cpuSelf();
        if (cpu != worker.cpu.load()) {
            worker.cpu = cpu;
            worker.moves.fetch_add(1);
        }
        worker.rounds.fetch_add(1);
    }
}

void start_workers(Report& report, Helper* helpers, unsigned count, KnCpuId binding) {
    stop_work = false;
    for (unsigned i = 0; i < count; ++i) {
        workers[i].rounds = workers[i].moves = 0;
        workers[i].cpu = 0;
        REQUIRE(helpers[i].start(work, i, lower_priority, binding) > 0);
    }
}

void stop_workers(Report& report, Helper* helpers, unsigned count) {
    stop_work = true;
    for (unsigned i = 0; i < count; ++i) {
        CHECK(helpers[i].join());
    }
}

unsigned cpus_at_work(unsigned count) {
    std::uint64_t cpus = 0;
    for (unsigned i = 0; i < count; ++i) {
        cpus |= std::uint64_t{1} << (workers[i].cpu & 63);
    }
    return static_cast<unsigned>(__builtin_popcountll(cpus));
}

unsigned workers_running(unsigned count) {
    unsigned running = 0;
    for (unsigned i = 0; i < count; ++i) {
        running += workers[i].rounds > 0 ? 1U : 0U;
    }
    return running;
}

// As many threads as CPUs, all made on the first one: each CPU gets one and keeps it.
void every_cpu_gets_work(Report& report) {
    const unsigned count = cpu_count() < worker_limit ? cpu_count() : worker_limit;
    Helper helpers[worker_limit];
    start_workers(report, helpers, count, K_ANYCPU);
    CHECK(eventually([=] { return cpus_at_work(count) == count; }));
    sleep_milliseconds(30);
    for (unsigned i = 0; i < count; ++i) {
        CHECK(workers[i].rounds > 0);
        CHECK(workers[i].moves <= 2);
    }
    stop_workers(report, helpers, count);
}

// When some end, those that waited behind others get their CPUs.
void freed_cpus_get_work(Report& report) {
    if (cpu_count() < 2 || cpu_count() > worker_limit / 2) {
        report.skip("needs 2 to 6 CPUs");
        return;
    }
    const unsigned count = 2 * cpu_count();
    Helper helpers[worker_limit];
    start_workers(report, helpers, count, K_ANYCPU);
    CHECK(eventually([=] { return workers_running(count) == cpu_count(); }));
    bool ran[worker_limit];
    for (unsigned i = 0; i < count; ++i) {
        ran[i] = workers[i].rounds > 0;
    }
    for (unsigned i = 0; i < count; ++i) {
        if (ran[i]) {
            helpers[i].stop();
        }
    }
    CHECK(eventually([=] { return workers_running(count) == count; }));
    stop_work = true;
    for (Helper& helper : helpers) {
        helper.stop();
    }
}

void bound_threads_stay(Report& report) {
    if (cpu_count() < 2) {
        report.skip("one CPU");
        return;
    }
    Helper helpers[2];
    start_workers(report, helpers, 2, 0);
    sleep_milliseconds(20);
    CHECK_EQ(cpus_at_work(2), 1);
    CHECK_EQ(workers[1].rounds, 0);
    // Bound no more, it goes where it can run.
    REQUIRE_EQ(threadBind(K_MYACTOR, helpers[1].thread(), K_ANYCPU, nullptr, K_NONEXCLUSIVE), K_OK);
    CHECK(eventually([] { return workers[1].rounds > 0; }));
    CHECK(workers[1].cpu != 0);
    stop_workers(report, helpers, 2);
}

// The best of those that wait goes, also when it came last, while no CPU asked for work.
void best_waiting_goes_first(Report& report) {
    if (cpu_count() != 2) {
        report.skip("needs 2 CPUs");
        return;
    }
    stop_work = false;
    for (Worker& worker : workers) {
        worker.rounds = worker.moves = 0;
        worker.cpu = 0;
    }
    Helper occupier, running, worse, better;
    REQUIRE(occupier.start(work, 3, higher_priority, 1) > 0); // CPU 1 has something to do
    sleep_milliseconds(5);
    REQUIRE(running.start(work, 0, lower_priority, 0) > 0);
    REQUIRE(worse.start(work, 1, lower_priority + 10, K_ANYCPU) > 0);
    sleep_milliseconds(5);
    REQUIRE(better.start(work, 2, lower_priority + 5, K_ANYCPU) > 0);
    sleep_milliseconds(5);
    CHECK_EQ(workers[1].rounds + workers[2].rounds, 0);
    occupier.stop();
    CHECK(eventually([] { return workers[2].rounds > 0; }));
    sleep_milliseconds(5);
    CHECK_EQ(workers[1].rounds, 0);
    CHECK_EQ(workers[2].cpu, 1);
    stop_work = true;
    CHECK(running.join() && better.join() && worse.join());
}

KnUniqueId partner_port;
std::atomic<bool> partner_ready, stop_partners;

void serve_partner(std::uintptr_t) {
    const int port = portCreate(K_MYACTOR, &partner_port);
    chorus::Words words{};
    partner_ready = true;
    auto got = chorus::receive(port, words);
    while (got.size >= 0) {
        burn(2000);
        got = chorus::reply_receive<0>(port, words);
    }
}

void call_partner(std::uintptr_t) {
    chorus::Words words{};
    while (!stop_partners.load()) {
        static_cast<void>(chorus::call<0>(partner_port, words));
    }
}

// Whether a client and a server that are bound to no CPU are on one, after a while of calls.
bool pair_is_together(Report& report) {
    partner_ready = stop_partners = false;
    Helper server, client;
    CHECK(server.start(serve_partner, 0, lower_priority, K_ANYCPU) > 0);
    CHECK(eventually([] { return partner_ready.load(); }));
    sleep_milliseconds(1);
    CHECK(client.start(call_partner, 0, lower_priority, K_ANYCPU) > 0);
    sleep_milliseconds(60);
    KnCpuId client_cpu = 0, server_cpu = 0;
    CHECK_EQ(threadBind(K_MYACTOR, client.thread(), K_SAMECPU, &client_cpu, K_NONEXCLUSIVE), K_OK);
    CHECK_EQ(threadBind(K_MYACTOR, server.thread(), K_SAMECPU, &server_cpu, K_NONEXCLUSIVE), K_OK);
    stop_partners = true;
    CHECK(client.join());
    return client_cpu == server_cpu;
}

// Client and server of one CPU are both ready only for a moment: they stay together. Where the host paused
// their CPU in such a moment one of them was right to go.
void partners_stay_together(Report& report) {
    constexpr unsigned pairs = 5, most = 3;
    unsigned together = 0, apart = 0;
    while (together < most && apart <= pairs - most) {
        ++(pair_is_together(report) ? together : apart);
    }
    CHECK(together == most);
}

constexpr Case cases[] = {
    {"every_cpu_gets_work", every_cpu_gets_work},       {"freed_cpus_get_work", freed_cpus_get_work},
    {"bound_threads_stay", bound_threads_stay},         {"best_waiting_goes_first", best_waiting_goes_first},
    {"partners_stay_together", partners_stay_together},
};

} // namespace

const Suite pulling_suite{"pulling", cases};

} // namespace chorale::test
