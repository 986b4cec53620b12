// What programs are told of actors, threads and CPUs: lists, states, counts and times.
#include "arch/host/engine.hpp"
#include "kernel/core/actor.hpp"
#include "tests/machine/solo.hpp"

#include <algorithm>
#include <map>

namespace chorale::test {

namespace {

using namespace host;

constexpr VirtAddr array_at = free_data;
constexpr VirtAddr last_bytes = data_base + (data_size - 8); // behind them there is nothing
constexpr KnCap stranger{{u64{5} << 51 | u64{1} << 47, 3}, 4};
constexpr long no_lids[] = {0, -7, Actor::thread_limit, Actor::thread_limit - 1};

[[nodiscard]] Task<void> stay() { co_await sleep(10'000 * millisecond); }
[[nodiscard]] Task<void> work_for_ever() {
    for (;;) co_await pause();
}

template <class T>
[[nodiscard]] Task<std::vector<T>> load_array(std::size_t count) {
    std::vector<T> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(co_await load<T>(array_at + i * sizeof(T)));
    co_return all;
}

// ---- lists -----------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> list_actors() {
    const auto stage = std::make_shared<Stage>();
    const KnCap running = co_await stage->actor(), stopped = co_await stage->actor();
    Named victim;
    co_await victim.set(stopped);
    EXPECT_EQ(co_await attempt(Call::actorStop, victim.at()), K_OK);
    const long count = co_await attempt(Call::actorStat, 0, array_at, 64 * sizeof(KnActorStat));
    EXPECT_EQ(count, long{live_actors()});
    std::map<u64, KnActorStatus> states;
    for (const KnActorStat& each : co_await load_array<KnActorStat>(static_cast<std::size_t>(count))) {
        const auto found = find_actor(each.asCap);
        EXPECT_TRUE(found.ok());
        EXPECT_TRUE(states.emplace(each.asCap.ui.uiHead, each.asStatus).second) << "one is told twice";
    }
    EXPECT_EQ(states.at(running.ui.uiHead), KnActorStatus{K_ACTIVE});
    EXPECT_EQ(states.at(stopped.ui.uiHead), KnActorStatus{K_STOPPED});
    // As many as there is room for.
    co_await store(array_at + sizeof(KnActorStat), u64{0x5555});
    EXPECT_EQ(co_await attempt(Call::actorStat, 0, array_at, 2 * sizeof(KnActorStat) - 1), count);
    EXPECT_EQ(co_await load<u64>(array_at + sizeof(KnActorStat)), 0x5555u);
    EXPECT_EQ(co_await attempt(Call::actorStat, 0, nowhere, 0), count);
    EXPECT_EQ(co_await attempt(Call::actorStat, 0, nowhere, sizeof(KnActorStat)), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::actorStat, 1, array_at, 64), K_EINVAL);
    co_await stage->end();
}

struct Expected {
    KnThreadStatus status;
    unsigned priority;
    CpuIndex cpu;
};

[[nodiscard]] Task<void> list_threads() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    std::map<KnThreadLid, Expected> expected;
    const std::pair<Call, KnThreadStatus> states[] = {
        {Call::nullCall, K_WAITING}, {Call::threadSuspend, K_SUSPENDED}, {Call::threadStop, K_STOPPED}};
    unsigned stack = 0;
    for (const auto& [call, status] : states) {
        const ThreadSettings settings{stack % 3, 60 + stack, ++stack};
        const long lid = co_await stage->serve(actor, [](u64) { return stay(); }, settings);
        if (call != Call::nullCall) EXPECT_EQ(co_await on_thread(call, actor, lid), K_OK);
        expected[static_cast<KnThreadLid>(lid)] = {status, settings.priority, settings.cpu};
    }
    const ThreadSettings settings{3, 200, ++stack};
    const long busy = co_await stage->serve(actor, [](u64) { return work_for_ever(); }, settings);
    expected[static_cast<KnThreadLid>(busy)] = {K_ACTIVE, 200, 3};
    Named owner;
    Local<KnThreadLid> lid;
    Local<KnDefaultStartInfo_f> start;
    co_await owner.set(actor);
    co_await start.set(start_info([](u64) { return stay(); }, {.stack = ++stack}));
    EXPECT_EQ(co_await attempt(Call::threadCreate, owner.at(), lid.at(), K_INACTIVE, 0, start.at()), K_OK);
    expected[co_await lid.get()] = {K_INACTIVE, 100, 0};

    EXPECT_EQ(co_await attempt(Call::threadStat, owner.at(), 0, array_at, 64 * sizeof(KnThreadStat)), 5);
    for (const KnThreadStat& each : co_await load_array<KnThreadStat>(5)) {
        const Expected& wanted = expected.at(each.tsThreadLi);
        EXPECT_EQ(each.tsStatus, wanted.status) << each.tsThreadLi;
        EXPECT_EQ(each.tsPriority, wanted.priority) << each.tsThreadLi;
        EXPECT_EQ(each.tsCpu, wanted.cpu) << each.tsThreadLi;
        expected.erase(each.tsThreadLi);
    }
    EXPECT_TRUE(expected.empty());
    EXPECT_EQ(co_await attempt(Call::threadStat, owner.at(), 0, nowhere, 0), 5);
    EXPECT_EQ(co_await attempt(Call::threadStat, owner.at(), 0, nowhere, 64), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::threadStat, owner.at(), 1, array_at, 64), K_EINVAL);
    co_await owner.set(stranger);
    EXPECT_EQ(co_await attempt(Call::threadStat, owner.at(), 0, array_at, 64), K_EUNKNOWN);
    co_await stage->end();
}

[[nodiscard]] Task<KnUniqueId> make_member(KnCap actor, KnCap group) {
    Local<KnCap> capability;
    Local<KnUniqueId> name;
    KnUniqueId port{};
    EXPECT_GT(co_await Stage::port(actor, port), 0);
    co_await capability.set(group);
    co_await name.set(port);
    EXPECT_EQ(co_await attempt(Call::grpPortInsert, capability.at(), name.at()), K_OK);
    co_return port;
}

// More ports than an entry of the nucleus tells, some of them gone, one of them in a group.
[[nodiscard]] Task<void> list_ports() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    Named owner;
    co_await owner.set(actor);
    Local<KnCap> group;
    EXPECT_EQ(co_await attempt(Call::grpAllocate, K_DYNAMIC, group.at(), 0), K_OK);
    const KnUniqueId member = co_await make_member(actor, co_await group.get());
    std::map<u64, int> expected{{member.uiTail, 1}}; // by the tail, which no two have alike
    for (int i = 0; i < 9; ++i) {
        KnUniqueId port{};
        const long li = co_await Stage::port(actor, port);
        EXPECT_GT(li, 0);
        if (i % 3 == 0)
            EXPECT_EQ(co_await attempt(Call::portDelete, owner.at(), li), K_OK);
        else
            expected[port.uiTail] = static_cast<int>(li);
    }
    constexpr unsigned priority = 5;
    EXPECT_EQ(co_await attempt(Call::portEnable, owner.at(), 1, priority), K_OK);
    const long count = co_await attempt(Call::portStat, owner.at(), 0, array_at, 16 * sizeof(KnPortStat));
    EXPECT_EQ(count, static_cast<long>(expected.size()) + 1);
    int last = -1;
    for (const KnPortStat& each : co_await load_array<KnPortStat>(static_cast<std::size_t>(count))) {
        EXPECT_GT(each.psPortLi, last);
        last = each.psPortLi;
        const bool is_member = each.psUi.uiTail == member.uiTail;
        EXPECT_EQ(each.psGroups, is_member ? 1u : 0u);
        EXPECT_EQ(each.psFlags, is_member ? unsigned{K_PORT_ENABLED} : 0u);
        if (is_member) EXPECT_EQ(each.psPriority, priority);
        if (each.psPortLi == K_DEFAULTPORT) continue;
        EXPECT_EQ(each.psPortLi, expected.at(each.psUi.uiTail));
        expected.erase(each.psUi.uiTail);
    }
    EXPECT_TRUE(expected.empty());
    EXPECT_EQ(co_await attempt(Call::portStat, owner.at(), 0, nowhere, 0), count);
    EXPECT_EQ(co_await attempt(Call::portStat, owner.at(), 0, nowhere, sizeof(KnPortStat)), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::portStat, owner.at(), 1, array_at, 64), K_EINVAL);
    co_await owner.set(stranger);
    EXPECT_EQ(co_await attempt(Call::portStat, owner.at(), 0, array_at, 64), K_EUNKNOWN);
    co_await stage->end();
}

// ---- counts ----------------------------------------------------------------------------------------------

[[nodiscard]] Task<KnThreadStatistics> counts_of(KnCap actor, long thread) {
    Named owner;
    Local<KnThreadStatistics> counts;
    co_await owner.set(actor);
    EXPECT_EQ(co_await attempt(Call::threadStatistics, owner.at(), thread, counts.at()), K_OK);
    co_return co_await counts.get();
}

[[nodiscard]] Task<KnActorStatistics> counts_of(KnCap actor) {
    Named owner;
    Local<KnActorStatistics> counts;
    co_await owner.set(actor);
    EXPECT_EQ(co_await attempt(Call::actorStatistics, owner.at(), counts.at()), K_OK);
    co_return co_await counts.get();
}

[[nodiscard]] Task<void> answer(long li) {
    MessageResult got = co_await attempt(message_receive(static_cast<int>(li)));
    while (got.size >= 0) got = co_await attempt(message_reply_receive(static_cast<int>(li), {}, 64));
}

[[nodiscard]] Task<void> call_seven_times(KnUniqueId port) {
    for (int i = 0; i < 7; ++i) EXPECT_EQ((co_await attempt(message_call(port))).bytes(), 64);
    co_await stay();
}

[[nodiscard]] Task<void> count_threads() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), servers = co_await stage->actor();
    KnUniqueId port{};
    const long li = co_await stage->port(servers, port);
    co_await stage->serve(servers, [li](u64) { return answer(li); }, {.stack = 1});
    const KnActorStatistics before = co_await counts_of(actor);
    EXPECT_EQ(before.threads, 0u);
    EXPECT_EQ(before.ports, 1u); // the default one
    EXPECT_EQ(before.regions, 2u);
    EXPECT_GT(before.pages, data_size / page_size);
    EXPECT_GE(before.pageLimit, before.pages);
    EXPECT_EQ(before.sum.ipcCalls, 0u);

    const long client =
        co_await stage->serve(actor, [port](u64) { return call_seven_times(port); }, {.stack = 1});
    co_await rest(millisecond);
    EXPECT_EQ(co_await bind(actor, client, 2), K_OK);
    co_await rest(millisecond);
    const KnThreadStatistics counts = co_await counts_of(actor, client);
    EXPECT_EQ(counts.ipcCalls, 7u);
    EXPECT_EQ(counts.migrations, 1u);
    const KnActorStatistics with = co_await counts_of(actor);
    EXPECT_EQ(with.threads, 1u);
    EXPECT_EQ(with.sum.ipcCalls, 7u);
    // What has ended counts on.
    EXPECT_EQ(co_await on_thread(Call::threadDelete, actor, client), K_OK);
    co_await rest(millisecond);
    const KnActorStatistics after = co_await counts_of(actor);
    EXPECT_EQ(after.threads, 0u);
    EXPECT_EQ(after.sum.ipcCalls, 7u);
    EXPECT_EQ(after.sum.migrations, 1u);

    const KnThreadStatistics own = co_await counts_of(nobody, K_MYSELF);
    const KnThreadStatistics again = co_await counts_of(nobody, co_await attempt(Call::threadSelf));
    EXPECT_EQ(own.migrations, again.migrations);
    Named owner;
    co_await owner.set(actor);
    Local<KnThreadStatistics> place;
    for (const long none : {no_lids[0], no_lids[1], no_lids[2], no_lids[3], client, long{K_MYSELF}})
        EXPECT_EQ(co_await attempt(Call::threadStatistics, owner.at(), none, place.at()), K_EINVAL) << none;
    EXPECT_EQ(co_await attempt(Call::threadStatistics, 0, K_MYSELF, nowhere), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::actorStatistics, owner.at(), nowhere), K_EFAULT);
    co_await owner.set(stranger);
    EXPECT_EQ(co_await attempt(Call::threadStatistics, owner.at(), 1, place.at()), K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::actorStatistics, owner.at(), array_at), K_EUNKNOWN);
    co_await stage->end();
}

[[nodiscard]] Task<void> count_on_cpus() {
    KnCpuStatistics sum{};
    for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
        EXPECT_EQ(co_await attempt(Call::sysCpuStatistics, cpu, array_at), K_OK);
        const auto one = co_await load<KnCpuStatistics>(array_at);
        sum.switches += one.switches;
        sum.ipcCalls += one.ipcCalls;
        sum.ipcSends += one.ipcSends;
    }
    EXPECT_EQ(co_await attempt(Call::sysStatistics, array_at), K_OK);
    const auto all = co_await load<KnSysStatistics>(array_at);
    EXPECT_EQ(all.cpus, 4u);
    EXPECT_EQ(all.switches, sum.switches); // alone on its CPU, nothing switches in between
    EXPECT_EQ(all.ipcCalls, sum.ipcCalls);
    EXPECT_EQ(all.ipcSends, sum.ipcSends);
    EXPECT_EQ(all.actors, live_actors());
    EXPECT_EQ(co_await attempt(Call::sysCpuStatistics, 4, array_at), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::sysCpuStatistics, 0, nowhere), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::sysStatistics, nowhere), K_EFAULT);
}

// ---- times -----------------------------------------------------------------------------------------------

constexpr u64 work = 60 * microsecond, slack = 10 * microsecond;

[[nodiscard]] Task<void> work_and_stay() {
    for (const u64 end = engine().now() + work; engine().now() < end;) co_await pause();
    co_await stay();
}

[[nodiscard]] Task<void> sum_of_times() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    Named owner;
    Local<KnTimeVal> home, abroad;
    co_await owner.set(actor);
    const auto times = [&](long thread) {
        return attempt(Call::threadTimes, owner.at(), thread, home.at(), abroad.at());
    };
    EXPECT_EQ(co_await times(K_ALLACTORTHREADS), K_OK);
    EXPECT_EQ((co_await home.get()).tmNSec, 0);
    for (const CpuIndex cpu : {0u, 1u, 3u}) {
        co_await stage->serve(actor, [](u64) { return work_and_stay(); }, {.cpu = cpu, .stack = 1 + cpu});
    }
    co_await rest(2 * millisecond);
    EXPECT_EQ(co_await times(K_ALLACTORTHREADS), K_OK);
    const auto whole = static_cast<u64>((co_await home.get()).tmNSec);
    EXPECT_GE(whole, 3 * work);
    EXPECT_LE(whole, 3 * (work + slack));
    EXPECT_EQ((co_await abroad.get()).tmNSec, 0); // nobody has left the actor
    u64 parts = 0;
    for (const long thread : {1, 2, 3}) {
        EXPECT_EQ(co_await times(thread), K_OK);
        parts += static_cast<u64>((co_await home.get()).tmNSec);
    }
    EXPECT_EQ(parts, whole); // they have slept since
    for (const long none : no_lids) EXPECT_EQ(co_await times(none), K_EINVAL) << none;
    for (const long thread : {1L, long{K_ALLACTORTHREADS}}) {
        EXPECT_EQ(co_await attempt(Call::threadTimes, owner.at(), thread, nowhere, 0), K_EFAULT);
        EXPECT_EQ(co_await attempt(Call::threadTimes, owner.at(), thread, home.at(), nowhere), K_EFAULT);
        EXPECT_EQ(co_await attempt(Call::threadTimes, owner.at(), thread, 0, 0), K_OK);
    }
    co_await owner.set(stranger);
    for (const long thread : {1L, long{K_ALLACTORTHREADS}}) EXPECT_EQ(co_await times(thread), K_EUNKNOWN);
    co_await stage->end();
}

// The threads of an actor that is being deleted are asked; each answer is a sum, or that it is gone.
struct Looks {
    unsigned sums{}, gone{};
};
[[nodiscard]] Task<void> look_while_it_goes(KnCap actor, std::shared_ptr<Looks> looks) {
    Named owner;
    co_await owner.set(actor);
    for (long result = K_OK; result == K_OK;) {
        result = co_await attempt(Call::threadTimes, owner.at(), K_ALLACTORTHREADS, 0, 0);
        ++(result == K_OK ? looks->sums : looks->gone);
        EXPECT_TRUE(result == K_OK || result == K_EUNKNOWN) << result;
        const long thread = co_await attempt(Call::threadTimes, owner.at(), 1, 0, 0);
        EXPECT_TRUE(thread == K_OK || thread == K_EUNKNOWN || thread == K_EINVAL) << thread;
        const long told = co_await attempt(Call::threadStat, owner.at(), 0, array_at, 512);
        EXPECT_TRUE(told >= 0 || told == K_EUNKNOWN) << told;
        const long followed = co_await attempt(Call::actorStop, owner.at());
        EXPECT_TRUE(followed == K_OK || followed == K_EUNKNOWN) << followed;
    }
}

[[nodiscard]] Task<void> times_of_those_that_go(std::shared_ptr<Looks> looks) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor(false, K_SYSTEMACTOR);
    for (const CpuIndex cpu : {0u, 1u, 2u, 3u, 1u, 2u})
        co_await stage->serve(actor, [](u64) { return stay(); }, {.cpu = cpu, .stack = cpu});
    co_await stage->play(other, [=](u64) { return look_while_it_goes(actor, looks); },
                         {.cpu = 1, .stack = 1});
    co_await rest(20 * microsecond);
    co_await remove_actor(actor);
    co_await stage->end();
}

// ---- attributes at the edge of memory ----

[[nodiscard]] Task<void> attributes_at_the_edge() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    Named owner;
    co_await owner.set(actor);
    for (const CpuIndex cpu : {0u, 2u}) { // here, and at another CPU
        const long thread =
            co_await stage->serve(actor, [](u64) { return stay(); }, {.cpu = cpu, .stack = cpu});
        const auto change = [&](VirtAddr old_at, VirtAddr new_at) {
            return attempt(Call::threadScheduler, owner.at(), thread, old_at, new_at);
        };
        // A FIFO thread's parameters end before its quantum would.
        co_await store(last_bytes, KnFifoThParms{K_SCHED_FIFO, 77});
        EXPECT_EQ(co_await change(VirtAddr{0}, last_bytes), K_OK);
        EXPECT_EQ(co_await change(last_bytes, VirtAddr{0}), K_OK);
        EXPECT_EQ((co_await load<KnFifoThParms>(last_bytes)).fifoPriority, 77u);
        co_await store(last_bytes, KnFifoThParms{K_SCHED_RT, 120});
        EXPECT_EQ(co_await change(VirtAddr{0}, last_bytes), K_EFAULT);
        EXPECT_EQ(co_await change(VirtAddr{0}, nowhere), K_EFAULT);
        co_await store(array_at, KnRtThParms{K_SCHED_RT, 120, {1, 5}});
        EXPECT_EQ(co_await change(nowhere, array_at), K_EFAULT);
        EXPECT_EQ(co_await change(last_bytes, array_at), K_OK); // the old ones were a FIFO thread's
        EXPECT_EQ(co_await change(last_bytes, VirtAddr{0}), K_EFAULT);
        EXPECT_EQ(co_await change(array_at + 64, VirtAddr{0}), K_OK);
        const auto told = co_await load<KnRtThParms>(array_at + 64);
        EXPECT_EQ(told.rtPriority, 120u);
        EXPECT_EQ(told.rtQuantum.tmSec * 10 + told.rtQuantum.tmNSec, 15);
        EXPECT_EQ(co_await change(VirtAddr{0}, VirtAddr{0}), K_OK);
    }
    for (const long none : no_lids)
        EXPECT_EQ(co_await attempt(Call::threadScheduler, owner.at(), none, 0, 0), K_EINVAL);
    co_await stage->end();
}

} // namespace

TEST(Statistics, Actors) { expect_clean(list_actors, 1); }
TEST(Statistics, Threads) { expect_clean(list_threads); }
TEST(Statistics, Ports) { expect_clean(list_ports, 1); }
TEST(Statistics, Counts) { expect_clean(count_threads); }
TEST(Statistics, Cpus) { expect_clean(count_on_cpus, 3); }
TEST(Statistics, Times) {
    expect_clean(sum_of_times);
    expect_clean(sum_of_times, 2);
}
TEST(Statistics, TimesOfThoseThatGo) {
    const auto looks = std::make_shared<Looks>();
    for (u64 seed = 1; seed <= 12; ++seed) {
        Random random{seed};
        expect_clean([looks](u64) { return times_of_those_that_go(looks); }, random);
    }
    EXPECT_EQ(looks->gone, 12u);
    EXPECT_GT(looks->sums, 0u);
}
TEST(Statistics, AttributesAtTheEdge) { expect_clean(attributes_at_the_edge); }

} // namespace chorale::test
