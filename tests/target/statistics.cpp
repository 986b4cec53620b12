// Suite statistics: what is counted for each CPU, actor and thread, and that the sums agree.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "peer.hpp"

#include <actor/thread.hpp>
#include <chorus.h>

#include <atomic>

namespace chorale::test {
namespace {

KnThreadStatistics of_thread(Report& report, const KnCap* actor, KnThreadLid lid) {
    KnThreadStatistics statistics{};
    CHECK_EQ(threadStatistics(actor, lid, &statistics), K_OK);
    return statistics;
}

KnActorStatistics of_actor(Report& report, const KnCap* actor) {
    KnActorStatistics statistics{};
    CHECK_EQ(actorStatistics(actor, &statistics), K_OK);
    return statistics;
}

KnCpuStatistics of_cpu(Report& report, KnCpuId cpu) {
    KnCpuStatistics statistics{};
    CHECK_EQ(sysCpuStatistics(cpu, &statistics), K_OK);
    return statistics;
}

// While nobody else works: only this thread's own counts move, and only those of its CPU.
void sums_over_cpus(Report& report) {
    KnSysStatistics all{};
    REQUIRE_EQ(sysStatistics(&all), K_OK);
    KnCpuStatistics sum{};
    for (unsigned cpu = 0; cpu < all.cpus; ++cpu) {
        const KnCpuStatistics one = of_cpu(report, cpu);
        sum.ipcCalls += one.ipcCalls;
        sum.ipcSends += one.ipcSends;
        sum.ipcCross += one.ipcCross;
        sum.switches += one.switches;
    }
    KnSysStatistics after{};
    REQUIRE_EQ(sysStatistics(&after), K_OK);
    CHECK(all.ipcCalls <= sum.ipcCalls && sum.ipcCalls <= after.ipcCalls);
    CHECK(all.ipcSends <= sum.ipcSends && sum.ipcSends <= after.ipcSends);
    CHECK(all.ipcCross <= sum.ipcCross && sum.ipcCross <= after.ipcCross);
    CHECK(all.switches <= sum.switches && sum.switches <= after.switches);
}

constexpr unsigned exchanges = 100;

// The fast path is counted by the caller's thread alone, bodies by the CPU too.
void calls_are_counted(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(0), K_OK);
    unsigned char body[200] = {}, back[200];
    const auto call = [&](unsigned size) {
        const KnMsgDesc request{0, size, address_of(body), 0, 0};
        KnMsgDesc reply{0, sizeof(back), address_of(back), 0, 0};
        const KnIpcDest destination = peers.destination(PeerKind::echo);
        CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1), size);
    };
    call(8);
    const KnThreadStatistics thread = of_thread(report, K_MYACTOR, K_MYSELF);
    const KnActorStatistics actor = of_actor(report, K_MYACTOR);
    const KnCpuStatistics cpu = of_cpu(report, 0);
    for (unsigned i = 0; i < exchanges; ++i) {
        call(8);
        call(sizeof(body));
    }
    CHECK_EQ(of_thread(report, K_MYACTOR, K_MYSELF).ipcCalls, thread.ipcCalls + 2 * exchanges);
    CHECK_EQ(of_actor(report, K_MYACTOR).sum.ipcCalls, actor.sum.ipcCalls + 2 * exchanges);
    CHECK(of_cpu(report, 0).ipcCalls >= cpu.ipcCalls + exchanges);
}

std::atomic<unsigned> turns;

void take_turns(std::uintptr_t count) {
    for (; count != 0; --count) {
        const KnTimeVal moment{0, 2'000'000};
        threadDelay(&moment);
        turns.fetch_add(1);
    }
}

// Threads that have ended are still in their actor's sum.
void ended_threads_count(Report& report) {
    constexpr unsigned count = 20;
    alignas(16) static char stack[8192];
    turns = 0;
    const KnActorStatistics before = of_actor(report, K_MYACTOR);
    const KnCpuStatistics cpu = of_cpu(report, 0);
    const int thread = start_thread({take_turns, count, stack, sizeof(stack), 1, 0});
    REQUIRE(thread > 0);
    CHECK(eventually([&] { return turns >= count / 2; }));
    KnThreadStatistics counts{};
    CHECK_EQ(threadStatistics(K_MYACTOR, thread, &counts), K_OK);
    CHECK(counts.dispatches >= 1 && counts.dispatches <= 2 * count);
    CHECK(eventually([&] { return threadStatistics(K_MYACTOR, thread, &counts) == K_EINVAL; }));
    const KnActorStatistics after = of_actor(report, K_MYACTOR);
    CHECK_EQ(turns.load(), count);
    CHECK(after.sum.dispatches >= before.sum.dispatches + counts.dispatches);
    CHECK_EQ(after.threads, before.threads);
    CHECK(of_cpu(report, 0).timerInterrupts > cpu.timerInterrupts);
    CHECK(of_cpu(report, 0).switches > cpu.switches);
}

void moves_are_counted(Report& report) {
    if (cpu_count() < 2) {
        report.skip("one CPU");
        return;
    }
    const KnThreadStatistics before = of_thread(report, K_MYACTOR, K_MYSELF);
    const KnCpuStatistics here = of_cpu(report, 0), there = of_cpu(report, 1);
    for (unsigned i = 0; i < 10; ++i) {
        CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, 1, nullptr, K_NONEXCLUSIVE), K_OK);
        CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE), K_OK);
    }
    CHECK_EQ(of_thread(report, K_MYACTOR, K_MYSELF).migrations, before.migrations + 20);
    CHECK(of_cpu(report, 0).migrations >= here.migrations + 10);
    CHECK(of_cpu(report, 1).migrations >= there.migrations + 10);
    CHECK(of_cpu(report, 1).requests > there.requests);
}

void of_another_actor(Report& report) {
    KnCap actor;
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    const KnActorStatistics empty = of_actor(report, &actor);
    CHECK_EQ(empty.threads, 0);
    CHECK_EQ(empty.ports, 1); // the default port
    CHECK_EQ(empty.regions, 0);
    CHECK_EQ(empty.sum.ipcCalls + empty.sum.dispatches, 0);
    KnRgnDesc region{0x10000000, 0x4000, K_WRITABLE | K_FILLZERO, 0, nullptr, 0};
    KnUniqueId port;
    KnThreadLid thread;
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_USERTHREAD, 0, 0, 0x1000};
    CHECK_EQ(rgnAllocate(&actor, &region), K_OK);
    CHECK(portCreate(&actor, &port) > 0);
    REQUIRE_EQ(threadCreate(&actor, &thread, K_INACTIVE, nullptr, &start), K_OK);
    const KnActorStatistics full = of_actor(report, &actor);
    CHECK_EQ(full.threads, 1);
    CHECK_EQ(full.ports, 2);
    CHECK_EQ(full.regions, 1);
    CHECK(full.pages >= empty.pages && full.pages <= full.pageLimit);
    const KnThreadStatistics none = of_thread(report, &actor, thread);
    CHECK_EQ(none.ipcCalls + none.dispatches + none.preemptions + none.migrations, 0);
    CHECK_EQ(actorDelete(&actor), K_OK);
    KnActorStatistics gone;
    KnThreadStatistics gone_thread;
    CHECK_EQ(actorStatistics(&actor, &gone), K_EUNKNOWN);
    CHECK_EQ(threadStatistics(&actor, thread, &gone_thread), K_EUNKNOWN);
}

void statistics_errors(Report& report) {
    KnCpuStatistics cpu;
    KnActorStatistics actor;
    KnThreadStatistics thread;
    CHECK_EQ(sysCpuStatistics(cpu_count(), &cpu), K_EINVAL);
    CHECK_EQ(sysCpuStatistics(~0U, &cpu), K_EINVAL);
    CHECK_EQ(sysCpuStatistics(0, nullptr), K_EFAULT);
    KnCap wrong;
    REQUIRE_EQ(actorSelf(&wrong), K_OK);
    wrong.key ^= 1;
    CHECK_EQ(actorStatistics(&wrong, &actor), K_EINVAL);
    CHECK_EQ(actorStatistics(K_MYACTOR, nullptr), K_EFAULT);
    CHECK_EQ(threadStatistics(&wrong, 1, &thread), K_EINVAL);
    for (const KnThreadLid lid : {-2, 0, 255, 256, 1 << 30}) {
        CHECK_EQ(threadStatistics(K_MYACTOR, lid, &thread), K_EINVAL);
    }
    CHECK_EQ(threadStatistics(K_MYACTOR, K_MYSELF, nullptr), K_EFAULT);
}

constexpr Case cases[] = {
    {"sums_over_cpus", sums_over_cpus},           {"calls_are_counted", calls_are_counted},
    {"ended_threads_count", ended_threads_count}, {"moves_are_counted", moves_are_counted},
    {"of_another_actor", of_another_actor},       {"statistics_errors", statistics_errors},
};

} // namespace

const Suite statistics_suite{"statistics", cases};

} // namespace chorale::test
