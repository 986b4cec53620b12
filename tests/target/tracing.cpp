// Suite trace: what a trace records of a known sequence, on each CPU; who may, and when it ends.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "machine_tests.hpp"
#include "peer.hpp"
#include "supervisor/traps_shared.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr unsigned at_once = 64, limit = 4096;

// What a CPU has recorded, up to a limit.
class Records {
  public:
    // All that is there. Negative: an error.
    int read(KnCpuId cpu) {
        count_ = 0;
        for (;;) {
            const unsigned room = limit - count_ < at_once ? limit - count_ : at_once;
            const int taken = traceRead(cpu, records_ + count_, room);
            if (taken <= 0) return taken;
            count_ += static_cast<unsigned>(taken);
        }
    }
    [[nodiscard]] unsigned count() const { return count_; }
    [[nodiscard]] const KnTraceRecord& operator[](unsigned i) const { return records_[i]; }

    // The first from `from` on; count(): there is none.
    template <class Condition>
    [[nodiscard]] unsigned find(Condition condition, unsigned from = 0) const {
        while (from < count_ && !condition(records_[from])) ++from;
        return from;
    }
    template <class Condition>
    [[nodiscard]] unsigned count_of(Condition condition) const {
        unsigned found = 0;
        for (unsigned i = 0; i < count_; ++i) found += condition(records_[i]) ? 1U : 0U;
        return found;
    }

  private:
    KnTraceRecord records_[limit];
    unsigned count_;
};
Records records;

struct Tracing {
    Report& report;
    explicit Tracing(Report& of, unsigned size = 0) : report{of} { CHECK_EQ(traceStart(size), K_OK); }
    Tracing(const Tracing&) = delete;
    Tracing& operator=(const Tracing&) = delete;
    ~Tracing() { static_cast<void>(traceStop()); }
};

// Others are at work too. What has been read ends with the call that has ended it.
[[nodiscard]] unsigned own_actor() {
    const auto end = [](const KnTraceRecord& each) {
        return each.kind == K_TRACE_CALL && each.call == call_number::traceStop - CHORUS_CALL_BASE;
    };
    const unsigned at = records.find(end);
    return at < records.count() ? records[at].actor : 0;
}

[[nodiscard]] bool times_ascend() {
    for (unsigned i = 1; i < records.count(); ++i) {
        if (records[i].time < records[i - 1].time) return false;
    }
    return true;
}

// The call from `from` on and its result, of the caller.
unsigned expect_call(Report& report, unsigned from, std::uint64_t number, long result) {
    const unsigned index = static_cast<unsigned>(number - CHORUS_CALL_BASE);
    const KnThreadLid self = threadSelf();
    const unsigned own = own_actor();
    const auto mine = [&](const auto& each) { return each.actor == own && each.thread == self; };
    const unsigned call = records.find(
        [&](const auto& each) { return each.kind == K_TRACE_CALL && each.call == index && mine(each); },
        from);
    CHECK(call < records.count());
    const unsigned end =
        records.find([&](const auto& each) { return each.kind == K_TRACE_RESULT && mine(each); }, call);
    CHECK(end < records.count());
    if (end < records.count()) {
        CHECK_EQ(records[end].call, index);
        CHECK_EQ(records[end].result, result);
    }
    return end;
}

void calls(Report& report) {
    KnThreadLid self{};
    KnUniqueId name;
    int port{};
    {
        const Tracing tracing{report};
        CHECK_EQ(traceStart(0), K_EBUSY);
        self = threadSelf();
        port = portCreate(K_MYACTOR, &name);
        CHECK_EQ(portUi(&name, 99999), K_EINVAL);
        sleep_milliseconds(2);
        CHECK_EQ(portDelete(K_MYACTOR, port), K_OK);
    }
    REQUIRE_EQ(records.read(0), 0);
    CHECK(times_ascend());
    CHECK(own_actor() != 0);
    unsigned at = expect_call(report, 0, call_number::traceStart, K_EBUSY);
    at = expect_call(report, at, call_number::threadSelf, self);
    at = expect_call(report, at, call_number::portCreate, port);
    at = expect_call(report, at, call_number::portUi, K_EINVAL);
    CHECK_EQ(records[at - 1].value[1], 99999);
    at = expect_call(report, at, call_number::threadDelay, K_ETIMEOUT);
    at = expect_call(report, at, call_number::portDelete, K_OK);
    CHECK_EQ(records.count_of([](const auto& each) { return each.kind == K_TRACE_LOST; }), 0);
}

// A call of another system's, and what its handler makes of it.
void expect_foreign(Report& report, unsigned long number, long wanted) {
    long first{}, second{};
    {
        const Tracing tracing{report};
        first = raw_call({number, {11, 12, 13, 14}});
        second = raw_call({number, {11, 12, 13, 14}});
    }
    CHECK_EQ(first, wanted);
    CHECK_EQ(second, wanted);
    REQUIRE_EQ(records.read(0), 0);
    const auto entry = [](const auto& each) { return each.kind == K_TRACE_SYSTEM_CALL; };
    const auto end = [](const auto& each) { return each.kind == K_TRACE_RESULT && each.value[0] == 1; };
    unsigned at = 0;
    for (unsigned round = 0; round < 2; ++round) {
        at = records.find(entry, at);
        REQUIRE(at < records.count());
        CHECK_EQ(records[at].call, number);
        for (unsigned i = 0; i < 4; ++i) CHECK_EQ(records[at].value[i], 11 + i);
        at = records.find(end, at);
        REQUIRE(at < records.count());
        CHECK_EQ(records[at].call, number);
        CHECK_EQ(records[at].result, wanted);
    }
    CHECK_EQ(records.count_of(entry), 2);
    CHECK_EQ(records.count_of(end), 2);
}

int invoke(const char* name, unsigned long argument) {
    KnLapDesc lap{};
    const int found = lapResolve(&lap, name, K_LAP_NOBLOCK);
    return found == K_OK ? lapInvoke(&lap, reinterpret_cast<void*>(argument)) : found;
}

// It makes a call of its own, in supervisor mode, between the two ends of the thread's.
void calls_of_handler(Report& report) {
    {
        const Tracing tracing{report};
        CHECK_EQ(raw_call({trap_sleep, {2}}), 3);
    }
    REQUIRE_EQ(records.read(0), 0);
    const unsigned begin = records.find([](const auto& each) { return each.kind == K_TRACE_SYSTEM_CALL; });
    const unsigned slept = expect_call(report, begin, call_number::threadDelay, K_ETIMEOUT);
    const unsigned end = records.find(
        [](const auto& each) { return each.kind == K_TRACE_RESULT && each.value[0] == 1; }, begin);
    CHECK(begin < slept && slept < end && end < records.count());
}

void foreign_calls(Report& report) {
    expect_foreign(report, trap_sum, K_ENOTIMP);
    REQUIRE(eventually([] { return invoke(lap_idle, 0) == K_OK; }));
    REQUIRE_EQ(invoke(lap_traps, traps_connect), K_OK);
    CHECK_EQ(raw_call({trap_sum, {11}}), 12); // from now on the quick way could be taken
    expect_foreign(report, trap_sum, 12);
    CHECK_EQ(raw_call({trap_sum, {11}}), 12);
    expect_foreign(report, trap_sum + trap_slowly, 12);
    calls_of_handler(report);
    CHECK_EQ(invoke(lap_traps, traps_disconnect), K_OK);
}

// A LAP is left before its call has its result.
void laps(Report& report) {
    REQUIRE(eventually([] { return invoke(lap_idle, 0) == K_OK; }));
    KnLapDesc lap{};
    REQUIRE_EQ(lapResolve(&lap, lap_idle, K_LAP_NOBLOCK), K_OK);
    {
        const Tracing tracing{report};
        CHECK_EQ(lapInvoke(&lap, nullptr), K_OK);
    }
    REQUIRE_EQ(records.read(0), 0);
    static_cast<void>(expect_call(report, 0, call_number::lapInvoke, K_OK));
}

struct Found {
    bool there{};
    KnTraceRecord record{};
};
Found find_message(unsigned kind, std::uint64_t number) {
    const unsigned at =
        records.find([&](const auto& each) { return each.kind == kind && each.value[0] == number; });
    return at < records.count() ? Found{true, records[at]} : Found{};
}

// Here and on the server's CPU: the same number, in an order that the times tell.
void exchange(Report& report, KnCpuId cpu) {
    Peers peers;
    REQUIRE_EQ(peers.start(cpu), K_OK);
    const KnIpcDest& to = peers.destination(PeerKind::echo);
    std::uint64_t words[3]{1, 2, 3};
    const KnMsgDesc request{0, sizeof words, address_of(words), 0, 0};
    KnMsgDesc reply{0, sizeof words, address_of(words), 0, 0};
    {
        const Tracing tracing{report};
        CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &to, &reply, -1), sizeof words);
    }
    REQUIRE_EQ(records.read(0), 0);
    const unsigned sent = records.find([&](const auto& each) {
        return each.kind == K_TRACE_SENT && each.value[1] == to.target.uiHead &&
               each.value[2] == to.target.uiTail;
    });
    REQUIRE(sent < records.count());
    const KnTraceRecord request_sent = records[sent];
    CHECK_EQ(request_sent.value[3], sizeof words);
    const std::uint64_t number = request_sent.value[0];
    const Found answered = find_message(K_TRACE_RECEIVED, number | K_TRACE_REPLY);
    CHECK(answered.there && answered.record.actor == request_sent.actor);
    if (cpu != 0) REQUIRE_EQ(records.read(cpu), 0);
    const Found received = find_message(K_TRACE_RECEIVED, number);
    const Found replied = find_message(K_TRACE_SENT, number | K_TRACE_REPLY);
    REQUIRE(received.there && replied.there);
    CHECK_EQ(received.record.value[1], to.target.uiHead);
    CHECK_EQ(received.record.value[3], sizeof words);
    CHECK(received.record.actor != request_sent.actor && received.record.actor == replied.record.actor);
    CHECK(request_sent.time <= received.record.time && received.record.time <= replied.record.time);
    CHECK(replied.record.time <= answered.record.time);
    CHECK_EQ(replied.record.value[3], sizeof words);
}

void messages(Report& report) {
    exchange(report, 0);
    if (cpu_count() > 1) exchange(report, cpu_count() - 1);
}

void switches(Report& report) {
    const KnCpuId cpu = cpu_count() - 1;
    Helper helper;
    {
        const Tracing tracing{report};
        REQUIRE(helper.start([](std::uintptr_t) { sleep_milliseconds(10); }, 0, higher_priority, cpu) > 0);
        CHECK(helper.join());
        sleep_milliseconds(2);
    }
    const KnThreadLid guest = helper.thread();
    REQUIRE_EQ(records.read(0), 0);
    const unsigned own = own_actor();
    if (cpu != 0) REQUIRE_EQ(records.read(cpu), 0);
    CHECK(times_ascend());
    const auto runs = [&](const auto& each) {
        return each.kind == K_TRACE_RUN && each.actor == own && each.thread == guest;
    };
    const unsigned first = records.find(runs);
    REQUIRE(first < records.count());
    const unsigned idle = records.find([](const auto& each) { return each.kind == K_TRACE_IDLE; }, first);
    CHECK(idle < records.count());
    CHECK_EQ(records[idle].thread, -1);
    const auto alarm = [](const auto& each) {
        return each.kind == K_TRACE_INTERRUPT && each.value[0] == K_TRACE_TIMER;
    };
    const unsigned timer = records.find(alarm, idle);
    const unsigned again = records.find(runs, idle);
    CHECK(timer < again && again < records.count());
}

void page_faults(Report& report) {
    KnRgnDesc region{};
    region.size = static_cast<VmSize>(vmPageSize());
    region.options = K_ANYWHERE | K_WRITABLE;
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    {
        const Tracing tracing{report};
        *reinterpret_cast<volatile unsigned*>(region.startAddr) = 1;
    }
    REQUIRE_EQ(records.read(0), 0);
    const unsigned at = records.find(
        [&](const auto& each) { return each.kind == K_TRACE_FAULT && each.value[0] == region.startAddr; });
    REQUIRE(at < records.count());
    CHECK(records[at].value[1] != 0);
    CHECK_EQ(records[at].value[2], 0);
    region.options = 0;
    CHECK_EQ(rgnFree(K_MYACTOR, &region), K_OK);
}

// Whatever is recorded meanwhile, nothing is missing without a word.
void losses(Report& report) {
    constexpr unsigned rounds = 100;
    const auto calls_of = [] {
        return records.count_of([](const auto& each) {
            return each.kind == K_TRACE_CALL && each.call == call_number::nullCall - CHORUS_CALL_BASE;
        });
    };
    {
        const Tracing tracing{report, 1};
        for (unsigned i = 0; i < rounds; ++i) nullCall();
    }
    REQUIRE_EQ(records.read(0), 0);
    const unsigned seen = calls_of();
    CHECK(seen < rounds);
    CHECK_EQ(records.count(), at_once + 1);
    CHECK_EQ(records[at_once].kind, K_TRACE_LOST);
    // Each call that is not among them is lost, and so is its result; timers may interrupt them.
    CHECK(records[at_once].value[0] >= 2 * (rounds - seen) - 1);
    CHECK_EQ(records.read(0), 0);
    CHECK_EQ(records.count(), 0);
}

void arguments(Report& report) {
    KnTraceRecord record;
    CHECK_EQ(traceStart(K_TRACE_RECORDS_MAX + 1), K_EINVAL);
    {
        const Tracing tracing{report};
        CHECK_EQ(traceRead(cpu_count(), &record, 1), K_EINVAL);
        CHECK_EQ(traceRead(~0U, &record, 1), K_EINVAL);
        CHECK_EQ(traceRead(0, &record, 0), 0);
        CHECK_EQ(traceRead(0, nullptr, 1), K_EFAULT);
        CHECK_EQ(traceRead(0, reinterpret_cast<KnTraceRecord*>(0xffff800000000000), 1), K_EFAULT);
        CHECK_EQ(traceRead(0, &record, 1), 1);
        CHECK(record.time != 0);
    }
    CHECK_EQ(traceStop(), K_EUNKNOWN);
}

void start_and_stay(std::uintptr_t) {
    static_cast<void>(traceStart(0));
    for (;;) sleep_milliseconds(1);
}
// Its actor goes when it is as it should be.
void try_all(std::uintptr_t) {
    KnTraceRecord record;
    const bool refused =
        traceStart(0) == K_EPRIV && traceRead(0, &record, 1) == K_EPRIV && traceStop() == K_EPRIV;
    if (refused) actorDelete(K_MYACTOR);
    for (;;) sleep_milliseconds(1);
}

void owner_ends(Report& report) {
    KnTraceRecord record;
    while (traceRead(0, &record, 1) > 0) { // what an earlier one has left
    }
    const KnSysStatistics before = settled_statistics();
    {
        Child child;
        REQUIRE_EQ(child.create("tracer", K_SYSTEMACTOR), K_OK);
        REQUIRE(child.start(start_and_stay, 0, inherit_priority, cpu_count() - 1) > 0);
        CHECK(eventually([&] { return traceRead(0, &record, 1) == 1; }));
        CHECK_EQ(traceStart(0), K_EBUSY);
        CHECK_EQ(child.destroy(), K_OK);
        CHECK(child.gone());
    }
    CHECK_EQ(traceRead(0, &record, 1), K_EUNKNOWN);
    CHECK_EQ(traceStop(), K_EUNKNOWN);
    check_same_objects(report, before, settled_statistics());
    {
        const Tracing tracing{report};
    }
}

void privileges(Report& report) {
    Child child;
    REQUIRE_EQ(child.create("user"), K_OK);
    REQUIRE(child.start(try_all, 0) > 0);
    CHECK(child.gone());
}

constexpr Case cases[] = {
    {"calls", calls},           {"foreign_calls", foreign_calls}, {"laps", laps},
    {"messages", messages},     {"switches", switches},           {"page_faults", page_faults},
    {"losses", losses},         {"arguments", arguments},         {"owner_ends", owner_ends},
    {"privileges", privileges},
};

} // namespace

const Suite trace_suite{"trace", cases};

} // namespace chorale::test
