// Suite scheduling: classes, quanta and CPU time. What is exact about
// quanta and times is tested in virtual time (tests/machine/scheduling_test.cpp); here are the bounds that
// hold on any machine.
#include "check.hpp"
#include "helper.hpp"
#include "trace.hpp"

#include <chorus.h>
#include <chorus/message.hpp>

namespace chorale::test {
namespace {

constexpr KnRtPriority equal_to_lower = 255 - lower_priority; // lower_priority, as the RT class counts

// ---- attributes ----

void idle_body(std::uintptr_t) {
    for (;;) {
        threadDelay(K_NOTIMEOUT);
    }
}

// A generic reader of any class.
KnThreadDefSched attributes_of(KnThreadLid thread) {
    KnThreadDefSched got{77, 77, {77, 77}};
    threadScheduler(K_MYACTOR, thread, &got, nullptr);
    return got;
}

void classes_read_and_set(Report& report) {
    Helper helper;
    REQUIRE(helper.start(idle_body, 0, lower_priority) > 0);
    CHECK_EQ(attributes_of(helper.thread()).tdClass, K_SCHED_FIFO);
    CHECK_EQ(attributes_of(helper.thread()).tdPriority, lower_priority);
    CHECK_EQ(attributes_of(helper.thread()).tdQuantum.tmSec, 77); // FIFO has no such field

    const KnRrThParms round_robin{K_SCHED_RR, K_RR_PRIOMIN};
    KnThreadDefSched old{};
    REQUIRE_EQ(threadScheduler(K_MYACTOR, helper.thread(), &old, &round_robin), K_OK);
    CHECK_EQ(old.tdClass, K_SCHED_FIFO); // read before it is set
    CHECK_EQ(attributes_of(helper.thread()).tdClass, K_SCHED_RR);
    CHECK_EQ(attributes_of(helper.thread()).tdPriority, K_RR_PRIOMIN);

    const KnRtThParms real_time{K_SCHED_RT, K_RT_PRIOMAX, {0, 5000000}};
    REQUIRE_EQ(threadScheduler(K_MYACTOR, helper.thread(), nullptr, &real_time), K_OK);
    CHECK_EQ(attributes_of(helper.thread()).tdClass, K_SCHED_RT);
    CHECK_EQ(attributes_of(helper.thread()).tdPriority, K_RT_PRIOMAX);
    CHECK_EQ(attributes_of(helper.thread()).tdQuantum.tmNSec, 5000000);

    const KnFifoThParms fifo{K_SCHED_FIFO, lower_priority};
    REQUIRE_EQ(threadScheduler(K_MYACTOR, helper.thread(), nullptr, &fifo), K_OK);
    CHECK_EQ(attributes_of(helper.thread()).tdClass, K_SCHED_FIFO);
}

void default_quanta(Report& report) {
    constexpr long milliseconds[] = {1000, 800, 600, 400, 200, 100};
    Helper helper;
    REQUIRE(helper.start(idle_body, 0, lower_priority) > 0);
    for (KnRtPriority priority = K_RT_PRIOMIN; priority <= K_RT_PRIOMAX; ++priority) {
        const KnRtThParms real_time{K_SCHED_RT, priority, {0, 0}};
        REQUIRE_EQ(threadScheduler(K_MYACTOR, helper.thread(), nullptr, &real_time), K_OK);
        const KnTimeVal got = attributes_of(helper.thread()).tdQuantum;
        CHECK_EQ(got.tmSec * 1000 + got.tmNSec / K_NPERM, milliseconds[(priority - K_RT_PRIOMIN) / 10]);
    }
}

void bad_attributes(Report& report) {
    Helper helper;
    REQUIRE(helper.start(idle_body, 0, lower_priority) > 0);
    const KnThreadDefSched bad[] = {
        {K_SCHED_FIFO, K_FIFO_PRIOMIN + 1, {}},
        {K_SCHED_RR, K_RR_PRIOMIN + 1, {}},
        {K_SCHED_RT, K_RT_PRIOMIN - 1, {}},
        {K_SCHED_RT, K_RT_PRIOMAX + 1, {}},
        {K_SCHED_RT, K_RT_PRIOMAX, {-1, 0}},
        {K_SCHED_RT, K_RT_PRIOMAX, {0, -1}},
        {K_SCHED_RT, K_RT_PRIOMAX, {0, 1000000000}},
        {3, 100, {}},
        {0xffffffff, 100, {}},
    };
    for (const KnThreadDefSched& parameters : bad) {
        CHECK_EQ(threadScheduler(K_MYACTOR, helper.thread(), nullptr, &parameters), K_EINVAL);
        KnThreadLid thread = 0;
        const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_USERTHREAD, 0, 0x10000, thread_entry()};
        CHECK_EQ(threadCreate(K_MYACTOR, &thread, K_INACTIVE, &parameters, &start), K_EINVAL);
    }
    const KnFifoThParms better{K_SCHED_FIFO, higher_priority};
    CHECK_EQ(threadScheduler(K_MYACTOR, helper.thread(), reinterpret_cast<void*>(16), &better), K_EFAULT);
    CHECK_EQ(threadScheduler(K_MYACTOR, helper.thread(), nullptr, reinterpret_cast<void*>(16)), K_EFAULT);
    CHECK_EQ(threadScheduler(K_MYACTOR, 250, nullptr, nullptr), K_EINVAL);
    CHECK_EQ(attributes_of(helper.thread()).tdPriority, lower_priority);
}

KnThreadDefSched inherited;

void report_attributes(std::uintptr_t) { inherited = attributes_of(K_MYSELF); }

// NULL parameters: the creator's class, priority and quantum.
void attributes_are_inherited(Report& report) {
    const KnThreadDefSched mine = attributes_of(K_MYSELF);
    const KnRtThParms real_time{K_SCHED_RT, 255 - main_priority, {0, 7000000}};
    REQUIRE_EQ(threadScheduler(K_MYACTOR, K_MYSELF, nullptr, &real_time), K_OK);
    Helper helper;
    CHECK(helper.start(report_attributes, 0) > 0);
    CHECK(helper.join());
    REQUIRE_EQ(threadScheduler(K_MYACTOR, K_MYSELF, nullptr, &mine), K_OK);
    CHECK_EQ(inherited.tdClass, K_SCHED_RT);
    CHECK_EQ(inherited.tdPriority, 255 - main_priority);
    CHECK_EQ(inherited.tdQuantum.tmNSec, 7000000);
    CHECK_EQ(attributes_of(K_MYSELF).tdClass, K_SCHED_FIFO);
}

void class_errors_and_other_cpu(Report& report) {
    Helper helper;
    REQUIRE(helper.start(idle_body, 0, lower_priority, cpu_count() - 1) > 0);
    const KnRtThParms real_time{K_SCHED_RT, 120, {3, 4}};
    KnFifoThParms old[2]{{}, {88, 88}};
    REQUIRE_EQ(threadScheduler(K_MYACTOR, helper.thread(), old, &real_time), K_OK);
    CHECK_EQ(old[0].fifoPriority, lower_priority);
    CHECK_EQ(old[1].fifoClass, 88); // no byte more than the class has
    const KnThreadDefSched got = attributes_of(helper.thread());
    CHECK_EQ(got.tdPriority, 120);
    CHECK_EQ(got.tdQuantum.tmSec, 3);
    CHECK_EQ(got.tdQuantum.tmNSec, 4);
}

// ---- order ----

Trace order;

void note_order(std::uintptr_t value) { order.note(static_cast<unsigned>(value)); }

int start_real_time(Helper& helper, ThreadBody body, std::uintptr_t argument, KnRtPriority priority,
                    long milliseconds) {
    const int thread = helper.start(body, argument, lower_priority);
    const KnRtThParms real_time{K_SCHED_RT, priority, {0, milliseconds * K_NPERM}};
    return thread < 0 ? thread : threadScheduler(K_MYACTOR, thread, nullptr, &real_time);
}

// 159 is the best, and RT p competes as FIFO 255 - p.
void point_04_real_time_is_inverted(Report& report) {
    order.clear();
    Helper worse, better, fifo;
    REQUIRE_EQ(start_real_time(worse, note_order, 1, 110, 50), K_OK);
    REQUIRE(fifo.start(note_order, 2, 255 - 115) > 0);
    REQUIRE_EQ(start_real_time(better, note_order, 3, 120, 50), K_OK);
    CHECK_EQ(order.length(), 0);
    CHECK(worse.join());
    CHECK(order.is({3, 2, 1}));
}

// Threads that take turns: each notes when it has got the CPU from another.
struct Stint {
    std::uintptr_t who;
    std::uint64_t begun;
};
constexpr unsigned stint_limit = 64;
Stint stints[stint_limit];
std::atomic<unsigned> stint_count;
std::atomic<std::uintptr_t> holder;
std::atomic<bool> stop_turns;
unsigned stints_seen; // before the end, which no quantum brings

void hold(std::uintptr_t who) {
    if (holder.load() == who) {
        return;
    }
    holder = who;
    const unsigned at = stint_count.fetch_add(1);
    if (at < stint_limit) {
        stints[at] = {who, now_microseconds()};
    }
}

void take_turns(std::uintptr_t who) {
    while (!stop_turns.load()) {
        hold(who);
    }
}

// However slow the machine under the machine is.
bool wait_for_stints(unsigned count) {
    for (unsigned waited = 0; stint_count < count && waited < patience; waited += 10) {
        sleep_milliseconds(10);
    }
    return stint_count >= count;
}

void end_turns() {
    stints_seen = stint_count;
    stop_turns = true;
}

void begin_turns() {
    stint_count = 0;
    holder = 0;
    stop_turns = false;
}

// On the average: a single one may look short when the machine under the machine paused, which time does not.
unsigned mean_stint() {
    const unsigned count = stints_seen < stint_limit ? stints_seen : stint_limit;
    return count < 2 ? 0 : static_cast<unsigned>((stints[count - 1].begun - stints[0].begun) / (count - 1));
}

void quantum_end_goes_to_tail(Report& report) {
    begin_turns();
    Helper a, b, c;
    REQUIRE_EQ(start_real_time(a, take_turns, 1, equal_to_lower, 10), K_OK);
    REQUIRE_EQ(start_real_time(b, take_turns, 2, equal_to_lower, 10), K_OK);
    REQUIRE_EQ(start_real_time(c, take_turns, 3, equal_to_lower, 10), K_OK);
    CHECK(wait_for_stints(6));
    end_turns();
    REQUIRE(a.join() && b.join() && c.join());
    CHECK(stints_seen >= 5);
    for (unsigned i = 0; i < 5; ++i) {
        CHECK_EQ(stints[i].who, i % 3 + 1);
    }
    CHECK(mean_stint() >= 9500);
}

// The main thread preempts every 3 ms: would that start the quantum of 10 ms anew, the second thread would
// never run.
void point_04_quantum_goes_on_after_preemption(Report& report) {
    begin_turns();
    Helper a, b;
    REQUIRE_EQ(start_real_time(a, take_turns, 1, equal_to_lower, 10), K_OK);
    REQUIRE_EQ(start_real_time(b, take_turns, 2, equal_to_lower, 10), K_OK);
    for (unsigned waited = 0; stint_count < 5 && waited < patience; waited += 3) {
        sleep_milliseconds(3);
    }
    end_turns();
    REQUIRE(a.join() && b.join());
    CHECK(stints_seen >= 4);
    CHECK(mean_stint() >= 9500);
}

void wait_often(std::uintptr_t who) {
    while (!stop_turns.load()) {
        hold(who);
        burn(6000);
        sleep_milliseconds(1);
    }
}

// Each wait starts the quantum anew: 6 ms of work between waits never use one of 10 ms up, so no stint is cut
// short.
void point_04_quantum_starts_anew_after_wait(Report& report) {
    begin_turns();
    Helper a, b;
    REQUIRE_EQ(start_real_time(a, wait_often, 1, equal_to_lower, 10), K_OK);
    REQUIRE_EQ(start_real_time(b, wait_often, 2, equal_to_lower, 10), K_OK);
    CHECK(wait_for_stints(7));
    end_turns();
    REQUIRE(a.join() && b.join());
    CHECK(stints_seen >= 6);
    CHECK(mean_stint() >= 5900);
}

// A FIFO thread keeps the CPU from its equals until its class changes.
void class_changes_while_running(Report& report) {
    begin_turns();
    Helper a, b;
    REQUIRE(a.start(take_turns, 1, lower_priority) > 0);
    REQUIRE(b.start(take_turns, 2, lower_priority) > 0);
    sleep_milliseconds(20);
    CHECK_EQ(stint_count, 1);
    const KnRtThParms real_time{K_SCHED_RT, equal_to_lower, {0, 2 * K_NPERM}};
    REQUIRE_EQ(threadScheduler(K_MYACTOR, a.thread(), nullptr, &real_time), K_OK);
    CHECK(eventually([] { return stint_count >= 2; }));
    sleep_milliseconds(20);
    CHECK_EQ(stint_count, 2); // b is of the FIFO class still
    end_turns();
    CHECK(a.join() && b.join());
}

void round_robin_has_the_system_quantum(Report& report) {
    begin_turns();
    Helper a, b;
    const KnRrThParms round_robin{K_SCHED_RR, lower_priority};
    REQUIRE(a.start(take_turns, 1, lower_priority) > 0);
    REQUIRE_EQ(threadScheduler(K_MYACTOR, a.thread(), nullptr, &round_robin), K_OK);
    REQUIRE(b.start(take_turns, 2, lower_priority) > 0);
    REQUIRE_EQ(threadScheduler(K_MYACTOR, b.thread(), nullptr, &round_robin), K_OK);
    CHECK(wait_for_stints(4));
    end_turns();
    CHECK(a.join() && b.join());
    CHECK(stints_seen >= 3);
    CHECK(mean_stint() >= K_RR_QUANTUM * 990);
}

// ---- the caller's quantum, lent ----

KnUniqueId lender_port;
std::atomic<bool> lender_ready;

void serve_slowly(std::uintptr_t) {
    const int port = portCreate(K_MYACTOR, &lender_port);
    chorus::Words words{};
    lender_ready = true;
    auto got = chorus::receive(port, words);
    while (got.size >= 0) {
        burn(2000);
        got = chorus::reply_receive<0>(port, words);
    }
}

void call_all_the_time(std::uintptr_t who) {
    chorus::Words words{};
    while (!stop_turns.load()) {
        hold(who);
        static_cast<void>(chorus::call<0>(lender_port, words));
    }
}

// The server, of the FIFO class, works in its client's time: when that is over, the client's equal runs. With
// a server of the same priority, and with a better one.
void quantum_is_lent(Report& report) {
    for (const unsigned server_priority : {255U, higher_priority + 5}) {
        begin_turns();
        lender_ready = false;
        Helper server, client, rival;
        REQUIRE(server.start(serve_slowly, 0, server_priority) > 0);
        REQUIRE(eventually([] { return lender_ready.load(); }));
        sleep_milliseconds(1);
        REQUIRE_EQ(start_real_time(client, call_all_the_time, 1, equal_to_lower, 15), K_OK);
        REQUIRE_EQ(start_real_time(rival, take_turns, 2, equal_to_lower, 15), K_OK);
        CHECK(wait_for_stints(5));
        end_turns();
        CHECK(client.join() && rival.join());
    }
}

// ---- CPU time ----

struct Times {
    std::uint64_t internal, external; // microseconds
};

Times times_of(KnThreadLid thread) {
    KnTimeVal internal{77, 77}, external{77, 77};
    threadTimes(K_MYACTOR, thread, &internal, &external);
    const auto microseconds = [](const KnTimeVal& time) {
        return static_cast<std::uint64_t>(time.tmSec) * 1000000 +
               static_cast<std::uint64_t>(time.tmNSec) / 1000;
    };
    return {microseconds(internal), microseconds(external)};
}

void time_of_self(Report& report) {
    const Times before = times_of(K_MYSELF);
    burn(20000);
    const Times worked = times_of(K_MYSELF);
    sleep_milliseconds(50);
    const Times slept = times_of(K_MYSELF);
    CHECK(worked.internal - before.internal >= 20000);
    CHECK(slept.internal - worked.internal < 40000);
    CHECK_EQ(slept.external, before.external);
}

void burn_and_wait(std::uintptr_t microseconds) {
    burn(static_cast<unsigned>(microseconds));
    idle_body(0);
}

void time_of_others(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper helper;
        REQUIRE(helper.start(burn_and_wait, 20000, lower_priority, cpu) > 0);
        sleep_milliseconds(60); // not disturbed by this thread
        CHECK(eventually([&] { return times_of(helper.thread()).internal >= 19000; }));
        sleep_milliseconds(20);
        const Times ended = times_of(helper.thread());
        sleep_milliseconds(20);
        CHECK_EQ(times_of(helper.thread()).internal, ended.internal);
    }
}

void burn_and_end(std::uintptr_t microseconds) { burn(static_cast<unsigned>(microseconds)); }

void time_of_actor(Report& report) {
    const Times before = times_of(K_ALLACTORTHREADS);
    {
        Helper here, there;
        REQUIRE(here.start(burn_and_end, 10000) > 0);
        REQUIRE(there.start(burn_and_end, 10000, main_priority, cpu_count() - 1) > 0);
        CHECK(here.join() && there.join());
    }
    CHECK(eventually([&] { return times_of(K_ALLACTORTHREADS).internal >= before.internal + 20000; }));
    const Times after = times_of(K_ALLACTORTHREADS);
    burn(10000);
    CHECK(times_of(K_ALLACTORTHREADS).internal >= after.internal + 10000);
}

// What the server does is not on the client's account, once somebody has asked.
void time_of_calls(Report& report) {
    begin_turns();
    lender_ready = false;
    Helper server, client;
    REQUIRE(server.start(serve_slowly, 0, higher_priority) > 0);
    REQUIRE(eventually([] { return lender_ready.load(); }));
    sleep_milliseconds(1);
    REQUIRE(client.start(call_all_the_time, 1, lower_priority) > 0);
    // An emulated CPU that stands still is on the account of whoever has it: not in every round the client.
    std::uint64_t served = 0, called = 0;
    for (unsigned round = 0; round < 5 && (round == 0 || called * 2 >= served); ++round) {
        const Times client_before = times_of(client.thread()), server_before = times_of(server.thread());
        sleep_milliseconds(60);
        called = times_of(client.thread()).internal - client_before.internal;
        served = times_of(server.thread()).internal - server_before.internal;
    }
    end_turns();
    CHECK(client.join());
    CHECK(served >= 10000);
    CHECK(called * 2 < served);
}

void times_errors(Report& report) {
    KnTimeVal time{};
    CHECK_EQ(threadTimes(K_MYACTOR, 250, &time, &time), K_EINVAL);
    CHECK_EQ(threadTimes(K_MYACTOR, -3, &time, &time), K_EINVAL);
    CHECK_EQ(threadTimes(K_MYACTOR, K_MYSELF, nullptr, nullptr), K_OK);
    CHECK_EQ(threadTimes(K_MYACTOR, K_MYSELF, reinterpret_cast<KnTimeVal*>(16), nullptr), K_EFAULT);
    CHECK_EQ(threadTimes(K_MYACTOR, K_MYSELF, nullptr, reinterpret_cast<KnTimeVal*>(16)), K_EFAULT);
    CHECK_EQ(threadTimes(K_MYACTOR, K_ALLACTORTHREADS, nullptr, reinterpret_cast<KnTimeVal*>(16)), K_EFAULT);
    const KnCap nobody{{1, 2}, 3};
    CHECK(threadTimes(&nobody, K_ALLACTORTHREADS, &time, &time) < 0);
}

constexpr Case cases[] = {
    {"time_of_self", time_of_self},
    {"time_of_others", time_of_others},
    {"time_of_actor", time_of_actor},
    {"time_of_calls", time_of_calls},
    {"times_errors", times_errors},
    {"classes_read_and_set", classes_read_and_set},
    {"default_quanta", default_quanta},
    {"bad_attributes", bad_attributes},
    {"attributes_are_inherited", attributes_are_inherited},
    {"class_errors_and_other_cpu", class_errors_and_other_cpu},
    {"point_04_real_time_is_inverted", point_04_real_time_is_inverted},
    {"quantum_end_goes_to_tail", quantum_end_goes_to_tail},
    {"point_04_quantum_goes_on_after_preemption", point_04_quantum_goes_on_after_preemption},
    {"point_04_quantum_starts_anew_after_wait", point_04_quantum_starts_anew_after_wait},
    {"class_changes_while_running", class_changes_while_running},
    {"round_robin_has_the_system_quantum", round_robin_has_the_system_quantum},
    {"quantum_is_lent", quantum_is_lent},
};

} // namespace

const Suite scheduling_suite{"scheduling", cases};

} // namespace chorale::test
