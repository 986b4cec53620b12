// What a trace records, and that nothing is left of it.
#include "arch/host/engine.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/mem/fail_allocation.hpp"
#include "kernel/trace/trace.hpp"
#include "tests/machine/solo.hpp"

#include <algorithm>
#include <array>

namespace chorale::test {

namespace {

using namespace host;

using Records = std::vector<KnTraceRecord>;

constexpr VirtAddr records_at{0x90'0000};
constexpr unsigned at_once = 64;

[[nodiscard]] Task<void> make_room() {
    EXPECT_EQ(co_await allocate(nobody, region_of(records_at, page_size, K_WRITABLE)),
              static_cast<long>(records_at.raw()));
}

[[nodiscard]] Task<Records> read_once(CpuIndex cpu, unsigned count = at_once) {
    Records some;
    const long taken = co_await attempt(Call::traceRead, cpu, records_at, count);
    EXPECT_GE(taken, 0);
    for (long i = 0; i < taken; ++i)
        some.push_back(
            co_await load<KnTraceRecord>(records_at + static_cast<u64>(i) * sizeof(KnTraceRecord)));
    co_return some;
}

// What is left of a trace that has ended.
[[nodiscard]] Task<Records> read_cpu(CpuIndex cpu, unsigned count = at_once) {
    Records all;
    for (;;) {
        const Records some = co_await read_once(cpu, count);
        if (some.empty()) co_return all;
        all.insert(all.end(), some.begin(), some.end());
    }
}

// Of all CPUs, in the order of their times.
[[nodiscard]] Task<Records> read_all() {
    Records all;
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) {
        const Records some = co_await read_cpu(cpu);
        EXPECT_TRUE(std::ranges::is_sorted(some, {}, &KnTraceRecord::time)) << "CPU " << cpu;
        all.insert(all.end(), some.begin(), some.end());
    }
    std::ranges::sort(all, {}, &KnTraceRecord::time);
    co_return all;
}

[[nodiscard]] unsigned number_of(const KnCap& actor) { return find_actor(actor).value()->table_index + 1; }

[[nodiscard]] Records of_actor(const Records& all, unsigned actor) {
    Records some;
    std::ranges::copy_if(all, std::back_inserter(some),
                         [&](const auto& each) { return each.actor == actor; });
    return some;
}

[[nodiscard]] Records of_kind(const Records& all, unsigned kind) {
    Records some;
    std::ranges::copy_if(all, std::back_inserter(some), [&](const auto& each) { return each.kind == kind; });
    return some;
}

[[nodiscard]] Task<unsigned> own_number() {
    Local<KnCap> own;
    EXPECT_EQ(co_await attempt(Call::actorSelf, own.at()), K_OK);
    co_return number_of(co_await own.get());
}

void expect_call(const Records& all, std::size_t at, Call call, long result) {
    ASSERT_LT(at + 1, all.size());
    EXPECT_EQ(all[at].kind, unsigned{K_TRACE_CALL});
    EXPECT_EQ(all[at].call, static_cast<unsigned>(call));
    EXPECT_EQ(all[at + 1].kind, unsigned{K_TRACE_RESULT});
    EXPECT_EQ(all[at + 1].call, static_cast<unsigned>(call));
    EXPECT_EQ(all[at + 1].result, result);
    EXPECT_EQ(all[at].thread, all[at + 1].thread);
    EXPECT_LE(all[at].time, all[at + 1].time);
}

// ---- calls -----------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> calls_and_results() {
    co_await make_room();
    const unsigned self = co_await own_number();
    EXPECT_EQ(co_await attempt(Call::traceRead, 0, records_at, 1), K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::traceStart, 0), K_OK);
    EXPECT_EQ(co_await attempt(Call::traceStart, 0), K_EBUSY);
    const long lid = co_await attempt(Call::threadSelf);
    EXPECT_EQ(co_await attempt(Call::portUi, nowhere, 0), K_EFAULT);
    co_await rest(30 * microsecond);
    EXPECT_EQ((co_await attempt(message_receive(77, 0))).size, K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_EUNKNOWN);
    const Records all = co_await read_all();
    EXPECT_EQ(of_kind(all, K_TRACE_LOST).size(), 0u);
    Records own = of_actor(all, self);
    EXPECT_EQ(of_kind(own, K_TRACE_ACTOR).size(), 1u);
    std::erase_if(own,
                  [](const auto& each) { return each.kind != K_TRACE_CALL && each.kind != K_TRACE_RESULT; });
    expect_call(own, 0, Call::traceStart, K_EBUSY);
    expect_call(own, 2, Call::threadSelf, lid);
    EXPECT_EQ(own.at(2).thread, lid);
    expect_call(own, 4, Call::portUi, K_EFAULT);
    EXPECT_EQ(own.at(4).value[0], nowhere.raw());
    expect_call(own, 6, Call::threadDelay, K_ETIMEOUT);
    expect_call(own, 8, Call::message_receive, K_EINVAL);
    EXPECT_EQ(own.at(8).value[0], 77u);
    EXPECT_EQ(own.at(10).call, static_cast<unsigned>(Call::traceStop));
    EXPECT_EQ(own.size(), 11u); // the end of that is not seen any more
}

[[nodiscard]] Task<void> rest_twice() {
    co_await rest(30 * microsecond);
    co_await rest(30 * microsecond);
}

// Who has the CPU, whom it is taken from, and nobody.
[[nodiscard]] Task<void> switches() {
    const auto stage = std::make_shared<Stage>();
    const KnCap other = co_await stage->actor();
    co_await make_room();
    const unsigned self = co_await own_number();
    EXPECT_EQ(co_await attempt(Call::traceStart, 0), K_OK);
    const CpuIndex here = static_cast<CpuIndex>(co_await attempt(Call::cpuSelf));
    co_await stage->play(other, [](u64) { return rest_twice(); }, {.cpu = here, .stack = 5});
    co_await rest(300 * microsecond);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
    const Records all = co_await read_cpu(here);
    std::vector<unsigned> turns; // the actors that ran, 0: none
    for (const KnTraceRecord& each : all) {
        if (each.kind == K_TRACE_RUN || each.kind == K_TRACE_IDLE) turns.push_back(each.actor);
        if (each.kind == K_TRACE_CALL) EXPECT_EQ(each.actor, turns.back());
    }
    const unsigned guest = number_of(other);
    const std::vector<unsigned> wanted{guest, 0, guest, 0, guest};
    EXPECT_FALSE(std::ranges::search(turns, wanted).empty());
    EXPECT_EQ(turns.front(), self);
    EXPECT_EQ(turns.back(), self);
    EXPECT_TRUE(std::ranges::adjacent_find(turns) == turns.end()) << "told twice";
    const Records alarms = of_kind(all, K_TRACE_INTERRUPT);
    EXPECT_GE(std::ranges::count(alarms, u64{K_TRACE_TIMER}, [](const auto& each) { return each.value[0]; }),
              3);
    co_await stage->end();
}

// ---- messages --------------------------------------------------------------------------------------------

constexpr u64 request_bytes = 24, reply_bytes = 40;
constexpr unsigned exchanges = 3;

[[nodiscard]] Task<void> answer(long li) {
    MessageResult got = co_await attempt(message_receive(static_cast<int>(li)));
    while (got.size >= 0)
        got = co_await attempt(message_reply_receive(static_cast<int>(li), {}, reply_bytes));
}

[[nodiscard]] const KnTraceRecord* find(const Records& all, unsigned kind, unsigned actor, u64 number) {
    const auto found = std::ranges::find_if(all, [&](const auto& each) {
        return each.kind == kind && each.actor == actor && each.value[0] == number;
    });
    return found == all.end() ? nullptr : &*found;
}

// One after the other: each message is sent before it is received.
void expect_exchange(const Records& all, unsigned client, unsigned server, const KnTraceRecord& sent,
                     const KnUniqueId& port) {
    const u64 number = sent.value[0];
    EXPECT_EQ(number & K_TRACE_REPLY, 0u);
    const KnTraceRecord* const received = find(all, K_TRACE_RECEIVED, server, number);
    const KnTraceRecord* const replied = find(all, K_TRACE_SENT, server, number | K_TRACE_REPLY);
    const KnTraceRecord* const answered = find(all, K_TRACE_RECEIVED, client, number | K_TRACE_REPLY);
    ASSERT_TRUE(received != nullptr && replied != nullptr && answered != nullptr);
    for (const KnTraceRecord* const each : {&sent, received}) {
        EXPECT_EQ(each->value[1], port.uiHead);
        EXPECT_EQ(each->value[2], port.uiTail);
        EXPECT_EQ(each->value[3], request_bytes);
    }
    for (const KnTraceRecord* const each : {replied, answered}) {
        EXPECT_EQ(each->value[1] | each->value[2], 0u);
        EXPECT_EQ(each->value[3], reply_bytes);
    }
    EXPECT_LE(sent.time, received->time);
    EXPECT_LE(received->time, replied->time);
    EXPECT_LE(replied->time, answered->time);
}

[[nodiscard]] Task<void> exchange_with(CpuIndex cpu) {
    const auto stage = std::make_shared<Stage>();
    const KnCap server = co_await stage->actor();
    co_await make_room();
    const unsigned self = co_await own_number(), other = number_of(server);
    KnUniqueId port{};
    const long li = co_await stage->port(server, port);
    co_await stage->serve(server, [=](u64) { return answer(li); }, {.cpu = cpu, .stack = 5});
    co_await rest(100 * microsecond);
    // One by the quick way before: what it leaves is none of the trace's messages.
    EXPECT_EQ((co_await attempt(message_call(port, {}, request_bytes))).bytes(), long{reply_bytes});
    EXPECT_EQ(co_await attempt(Call::traceStart, 0), K_OK);
    for (unsigned i = 0; i < exchanges; ++i)
        EXPECT_EQ((co_await attempt(message_call(port, {}, request_bytes))).bytes(), long{reply_bytes});
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
    EXPECT_EQ((co_await attempt(message_call(port, {}, request_bytes))).bytes(), long{reply_bytes});
    const Records all = co_await read_all();
    const Records sent = of_kind(of_actor(all, self), K_TRACE_SENT);
    EXPECT_EQ(sent.size(), exchanges);
    EXPECT_EQ(of_kind(of_actor(all, other), K_TRACE_RECEIVED).size(), exchanges);
    for (const KnTraceRecord& each : sent) expect_exchange(all, self, other, each, port);
    const Records results = of_kind(of_actor(all, self), K_TRACE_RESULT);
    EXPECT_EQ(std::ranges::count_if(results,
                                    [](const auto& each) {
                                        return each.call == K_TRACE_IPC_CALL &&
                                               each.result == long{reply_bytes};
                                    }),
              long{exchanges});
    co_await stage->end();
}

// ---- memory, and who has it ------------------------------------------------------------------------------

// As many as there is room for, and then how many there was none for: together as many as in a larger ring.
[[nodiscard]] Task<u64> count_calls(unsigned records) {
    EXPECT_EQ(co_await attempt(Call::traceStart, records), K_OK);
    for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(co_await attempt(Call::nullCall), K_OK);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
    Records all = co_await read_cpu(static_cast<CpuIndex>(co_await attempt(Call::cpuSelf)), 7);
    u64 count = all.size();
    for (const KnTraceRecord& lost : of_kind(all, K_TRACE_LOST)) count += lost.value[0] - 1;
    EXPECT_EQ(all.size(), records == 64 ? 65u : count);
    EXPECT_EQ(all.back().kind == K_TRACE_LOST, records == 64);
    co_return count;
}

[[nodiscard]] Task<void> count_lost() {
    co_await make_room();
    const u64 all = co_await count_calls(1024);
    EXPECT_GT(all, 200u);
    EXPECT_EQ(co_await count_calls(64), all);
}

// Room that comes while it runs: the loss is told in its place.
[[nodiscard]] Task<void> lose_in_between() {
    co_await make_room();
    EXPECT_EQ(co_await attempt(Call::traceStart, 1), K_OK); // a page of them is the least
    const auto here = static_cast<CpuIndex>(co_await attempt(Call::cpuSelf));
    for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(co_await attempt(Call::nullCall), K_OK);
    const Records first = co_await read_once(here), next = co_await read_once(here);
    EXPECT_EQ(first.size(), 64u);
    EXPECT_EQ(of_kind(first, K_TRACE_LOST).size(), 0u);
    EXPECT_GE(next.size(), 2u);
    EXPECT_EQ(next.at(0).kind, unsigned{K_TRACE_LOST});
    EXPECT_GT(next.at(0).value[0], 100u);
    EXPECT_EQ(next.at(1).kind, unsigned{K_TRACE_RESULT}); // of the first traceRead
    EXPECT_EQ(co_await attempt(Call::traceRead, here, nowhere, at_once), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
    const Records rest = co_await read_cpu(here);
    EXPECT_EQ(std::ranges::count(rest, K_EFAULT, [](const auto& each) { return each.result; }), 1);
}

[[nodiscard]] Task<void> refuse_arguments() {
    co_await make_room();
    EXPECT_EQ(co_await attempt(Call::traceStart, K_TRACE_RECORDS_MAX + 1), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::traceStart, ~0u), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::traceStart, 64), K_OK);
    EXPECT_EQ(co_await attempt(Call::traceRead, cpu_count(), records_at, 1), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::traceRead, ~0u, records_at, 1), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::traceRead, 0, nowhere, 0), 0);
    const long taken = co_await attempt(Call::traceRead, 0, records_at, ~0u);
    EXPECT_TRUE(taken > 2 && taken <= long{at_once}) << taken;
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
}

[[nodiscard]] Task<void> refuse_users() {
    EXPECT_EQ(co_await attempt(Call::traceStart, 0), K_EPRIV);
    EXPECT_EQ(co_await attempt(Call::traceRead, 0, records_at, 1), K_EPRIV);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_EPRIV);
}

// Without memory for any of the rings nothing is left.
[[nodiscard]] Task<void> run_out_of_memory() {
    co_await make_room();
    for (unsigned nth = 1; nth <= cpu_count(); ++nth) {
        fail_allocation_after(nth);
        EXPECT_EQ(co_await attempt(Call::traceStart, 4096), K_ENOMEM) << nth;
        EXPECT_EQ(trace_memory().count, 0u);
        EXPECT_EQ(co_await attempt(Call::traceRead, 0, records_at, 1), K_EUNKNOWN);
    }
    fail_allocation_after(0);
    EXPECT_EQ(co_await attempt(Call::traceStart, 4096), K_OK);
    const u64 pages = trace_memory().owner->space.pages();
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
    EXPECT_EQ(co_await attempt(Call::traceStart, 64), K_OK); // the others go
    EXPECT_EQ(trace_memory().owner->space.pages(), pages - cpu_count() * 63);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
}

[[nodiscard]] Task<void> trace_for_ever() {
    EXPECT_EQ(co_await attempt(Call::traceStart, 256), K_OK);
    for (;;) co_await rest(20 * microsecond);
}

// Running or stopped, a trace goes with its actor.
[[nodiscard]] Task<void> end_owner(bool stopped) {
    const auto stage = std::make_shared<Stage>();
    const KnCap owner = co_await stage->actor(false, K_SYSTEMACTOR);
    co_await make_room();
    co_await stage->serve(owner, [](u64) { return trace_for_ever(); }, {.cpu = 1, .stack = 5});
    co_await rest(100 * microsecond);
    EXPECT_EQ(trace_memory().count, cpu_count());
    EXPECT_EQ(co_await attempt(Call::traceStart, 0), K_EBUSY);
    if (stopped) EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
    EXPECT_GT(co_await attempt(Call::traceRead, 1, records_at, at_once), 0);
    const unsigned number = number_of(owner);
    co_await remove_actor(owner);
    EXPECT_EQ(trace_memory().count, 0u);
    EXPECT_EQ(co_await attempt(Call::traceRead, 1, records_at, at_once), K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::traceStart, 64), K_OK);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
    EXPECT_EQ(of_actor(co_await read_all(), number).size(), 0u);
    co_await stage->end();
}

// ---- actors ----------------------------------------------------------------------------------------------

[[nodiscard]] bool named(const KnTraceRecord& record, const char* name) {
    char expected[sizeof record.value]{};
    std::strncpy(expected, name, sizeof expected);
    return record.kind == K_TRACE_ACTOR && std::memcmp(record.value, expected, sizeof expected) == 0;
}

[[nodiscard]] Task<void> tell_actors() {
    const auto stage = std::make_shared<Stage>();
    co_await make_room();
    const unsigned self = co_await own_number();
    EXPECT_EQ(co_await attempt(Call::traceStart, 0), K_OK);
    const unsigned living = live_actors();
    const KnCap other = co_await stage->actor();
    const unsigned number = number_of(other);
    Named name;
    co_await name.set(other);
    co_await store(records_at, std::array<char, 32>{"renamed"});
    EXPECT_EQ(co_await attempt(Call::actorName, name.at(), 0, records_at), K_OK);
    co_await remove_actor(other);
    EXPECT_EQ(co_await attempt(Call::traceStop), K_OK);
    const Records all = co_await read_all();
    EXPECT_EQ(of_kind(all, K_TRACE_ACTOR).size(), living + 2);
    EXPECT_NE(self, number);
    Records about = of_actor(all, number);
    EXPECT_GE(about.size(), 3u) << "of the one that came and went";
    if (about.size() < 3) co_return;
    EXPECT_EQ(about.at(0).kind, unsigned{K_TRACE_ACTOR});
    EXPECT_TRUE(named(about.at(1), "renamed"));
    EXPECT_EQ(about.back().kind, unsigned{K_TRACE_ACTOR_END});
    EXPECT_EQ(about.back().thread, -1);
    co_await stage->end();
}

} // namespace

TEST(Trace, ExchangesOnOneCpu) {
    expect_clean([](u64) { return in_actor([] { return exchange_with(0); }); });
}
TEST(Trace, ExchangesAcrossCpus) {
    expect_clean([](u64) { return in_actor([] { return exchange_with(1); }); });
}
TEST(Trace, CountsWhatIsLost) {
    expect_clean(count_lost);
    expect_clean(lose_in_between, 3);
}
TEST(Trace, RefusesBadArguments) { expect_clean(refuse_arguments); }
TEST(Trace, IsNotForUserActors) {
    expect_clean([](u64) { return in_actor(refuse_users, 0, K_USERACTOR); });
}
TEST(Trace, RunsOutOfMemory) { expect_clean(run_out_of_memory, 1); }
TEST(Trace, EndsWithItsActor) {
    expect_clean([](u64) { return in_actor([] { return end_owner(false); }); });
    expect_clean([](u64) { return in_actor([] { return end_owner(true); }); });
}
TEST(Trace, TellsActors) { expect_clean(tell_actors); }
TEST(Trace, CallsAndResults) {
    expect_clean(calls_and_results);
    expect_clean(calls_and_results, 2);
}
TEST(Trace, Switches) { expect_clean(switches); }

} // namespace chorale::test
