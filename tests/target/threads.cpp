// Suites threads and binding: creation, priorities, order among equals, delays, aborts, deletion, CPUs.
#include "check.hpp"
#include "helper.hpp"
#include "trace.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

Trace trace;

void note(std::uintptr_t value) { trace.note(static_cast<unsigned>(value)); }

KnThreadLid reported_self;

void report_self(std::uintptr_t argument) {
    reported_self = threadSelf();
    note(argument);
}

void create_and_end(Report& report) {
    trace.clear();
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    for (unsigned i = 0; i < 50; ++i) {
        Helper helper;
        const int thread = helper.start(report_self, i);
        REQUIRE(thread > 0);
        REQUIRE(helper.join());
        CHECK_EQ(reported_self, thread);
    }
    CHECK_EQ(trace.length(), 50);
    CHECK(eventually([&] { return sysStatistics(&after) == K_OK && after.threads <= before.threads; }));
}

alignas(16) char spare_stack[4096];

void create_errors(Report& report) {
    KnThreadLid thread = 0;
    KnDefaultStartInfo_f info{K_DEFAULT_START_INFO, K_USERTHREAD, 0, address_of(spare_stack + 4096),
                              thread_entry()};
    const auto create = [&](const KnDefaultStartInfo_f& start, KnThreadStatus status = K_INACTIVE) {
        return threadCreate(K_MYACTOR, &thread, status, nullptr, &start);
    };
    CHECK_EQ(create(info, 17), K_EINVAL);
    KnDefaultStartInfo_f bad = info;
    bad.dsType = 99;
    CHECK_EQ(create(bad), K_EINVAL);
    bad = info;
    bad.dsPrivilege = K_SUPTHREAD;
    CHECK(create(bad) < 0);
    bad = info;
    bad.dsEntry = 0xffffffff80000000;
    CHECK_EQ(create(bad), K_EINVAL);
    bad = info;
    bad.dsUserStackPointer = 0xffff800000000000;
    CHECK_EQ(create(bad), K_EINVAL);
    KnFifoThParms schedule{99, 100};
    CHECK_EQ(threadCreate(K_MYACTOR, &thread, K_INACTIVE, &schedule, &info), K_EINVAL);
    schedule = {K_SCHED_FIFO, 256};
    CHECK_EQ(threadCreate(K_MYACTOR, &thread, K_INACTIVE, &schedule, &info), K_EINVAL);
    for (const KnThreadLid missing : {0, 255, 256, 100000, -2, -1000}) {
        CHECK(threadDelete(K_MYACTOR, missing) < 0);
        CHECK(threadActivate(K_MYACTOR, missing) < 0);
        CHECK(threadAbort(K_MYACTOR, missing) < 0);
    }
}

void inactive_until_activated(Report& report) {
    trace.clear();
    const std::size_t used = prepare_stack(spare_stack + sizeof(spare_stack), note, 5);
    const KnDefaultStartInfo_f info{K_DEFAULT_START_INFO, K_USERTHREAD, 0,
                                    address_of(spare_stack + sizeof(spare_stack)) - used, thread_entry()};
    const KnFifoThParms schedule{K_SCHED_FIFO, higher_priority};
    KnThreadLid thread = 0;
    REQUIRE_EQ(threadCreate(K_MYACTOR, &thread, K_INACTIVE, &schedule, &info), K_OK);
    sleep_milliseconds(2);
    CHECK_EQ(trace.length(), 0);
    CHECK_EQ(threadActivate(K_MYACTOR, thread), K_OK);
    CHECK_EQ(trace.length(), 1);
    CHECK(threadActivate(K_MYACTOR, thread) < 0);
}

void table_full(Report& report) {
    KnDefaultStartInfo_f info{K_DEFAULT_START_INFO, K_USERTHREAD, 0, address_of(spare_stack + 4096),
                              thread_entry()};
    KnThreadLid made[1024];
    unsigned count = 0;
    int error = K_OK;
    while (count < 1024 && error == K_OK) {
        error = threadCreate(K_MYACTOR, &made[count], K_INACTIVE, nullptr, &info);
        count += error == K_OK ? 1U : 0U;
    }
    CHECK(error == K_EFULL || error == K_ENOMEM);
    KnActorStatistics full{};
    CHECK_EQ(actorStatistics(K_MYACTOR, &full), K_OK);
    CHECK_EQ(full.threads, environment_number("kern.exec.maxThreadNumber", 0) /
                               environment_number("kern.exec.maxActorNumber", 1));
    for (unsigned i = 0; i < count; ++i) {
        CHECK_EQ(threadDelete(K_MYACTOR, made[i]), K_OK);
    }
    CHECK(threadDelete(K_MYACTOR, made[0]) < 0);
}

// Only a strictly higher priority preempts; equals wait for their turn in order of creation.
void priority_order(Report& report) {
    trace.clear();
    Helper low, equal_first, equal_second, high;
    REQUIRE(low.start(note, 4, lower_priority) > 0);
    REQUIRE(equal_first.start(note, 2, main_priority) > 0);
    REQUIRE(equal_second.start(note, 3, main_priority) > 0);
    CHECK_EQ(trace.length(), 0);
    REQUIRE(high.start(note, 1, higher_priority) > 0);
    CHECK_EQ(trace.length(), 1);
    threadDelay(K_NOBLOCK);
    CHECK_EQ(trace.length(), 3);
    CHECK(low.join());
    CHECK(trace.is({1, 2, 3, 4}));
}

void yield_thrice(std::uintptr_t value) {
    for (unsigned i = 0; i < 3; ++i) {
        note(value);
        threadDelay(K_NOBLOCK);
    }
}

void yield_order(Report& report) {
    trace.clear();
    Helper a, b, c;
    REQUIRE(a.start(yield_thrice, 1) > 0);
    REQUIRE(b.start(yield_thrice, 2) > 0);
    REQUIRE(c.start(yield_thrice, 3) > 0);
    CHECK(c.join());
    CHECK(trace.is({1, 2, 3, 1, 2, 3, 1, 2, 3}));
}

void sleep_then_note(std::uintptr_t milliseconds) {
    sleep_milliseconds(static_cast<unsigned>(milliseconds));
    note(milliseconds);
}

// A preempted thread goes back to the head of its queue: the disturbance does not change the turn of equals.
void preempted_goes_to_head(Report& report) {
    trace.clear();
    Helper waker, equal;
    REQUIRE(waker.start(sleep_then_note, 3, higher_priority) > 0);
    REQUIRE(equal.start(note, 100) > 0);
    for (unsigned waited = 0; trace.length() == 0 && waited < 2000; ++waited) {
        burn(1000);
    }
    note(50);
    threadDelay(K_NOBLOCK);
    CHECK(trace.is({3, 50, 100}));
}

void change_priority(Report& report) {
    trace.clear();
    KnFifoThParms old{}, next{K_SCHED_FIFO, lower_priority};
    CHECK_EQ(threadScheduler(K_MYACTOR, K_MYSELF, &old, nullptr), K_OK);
    CHECK_EQ(old.fifoClass, K_SCHED_FIFO);
    const unsigned own = old.fifoPriority;
    Helper helper;
    REQUIRE(helper.start(note, 1, own) > 0);
    CHECK_EQ(trace.length(), 0);
    CHECK_EQ(threadScheduler(K_MYACTOR, K_MYSELF, &old, &next), K_OK);
    CHECK_EQ(trace.length(), 1);
    next.fifoPriority = own;
    CHECK_EQ(threadScheduler(K_MYACTOR, K_MYSELF, &old, &next), K_OK);
    CHECK_EQ(old.fifoPriority, lower_priority);
    Helper other;
    REQUIRE(other.start(note, 2, lower_priority) > 0);
    CHECK_EQ(trace.length(), 1);
    const KnFifoThParms high{K_SCHED_FIFO, higher_priority};
    CHECK_EQ(threadScheduler(K_MYACTOR, other.thread(), nullptr, &high), K_OK);
    CHECK_EQ(trace.length(), 2);
    next = {K_SCHED_FIFO, 256};
    CHECK_EQ(threadScheduler(K_MYACTOR, K_MYSELF, nullptr, &next), K_EINVAL);
    next = {7, 100};
    CHECK_EQ(threadScheduler(K_MYACTOR, K_MYSELF, nullptr, &next), K_EINVAL);
    CHECK(threadScheduler(K_MYACTOR, 200, &old, nullptr) < 0);
}

void delays(Report& report) {
    for (const unsigned milliseconds : {1U, 2U, 5U, 20U, 100U}) {
        const KnTimeVal time{0, static_cast<long>(milliseconds) * K_NPERM};
        const std::uint64_t start = now_microseconds();
        CHECK_EQ(threadDelay(&time), K_ETIMEOUT);
        const std::uint64_t passed = now_microseconds() - start;
        CHECK(passed >= milliseconds * 1000U);
        CHECK(in_time(passed, milliseconds * 1000U));
    }
    const KnTimeVal zero{0, 0};
    CHECK_EQ(threadDelay(&zero), K_OK);
    CHECK_EQ(threadDelay(K_NOBLOCK), K_OK);
    for (const KnTimeVal& bad : {KnTimeVal{0, -1}, KnTimeVal{0, 1000000000}, KnTimeVal{-1, 0}}) {
        CHECK_EQ(threadDelay(&bad), K_EINVAL);
    }
}

std::uint64_t common_start;

// Relative to a moment that all have in common.
void sleep_from_start(std::uintptr_t milliseconds) {
    const std::uint64_t end = common_start + milliseconds * 1000;
    const std::uint64_t now = now_microseconds();
    const KnTimeVal left{0, static_cast<long>(now < end ? end - now : 0) * 1000};
    threadDelay(&left);
    note(milliseconds);
}

[[nodiscard]] bool wake_in_order(Report& report) {
    trace.clear();
    common_start = now_microseconds();
    Helper helpers[5];
    const unsigned times[] = {250, 210, 240, 220, 230};
    for (unsigned i = 0; i < 5; ++i) {
        CHECK(helpers[i].start(sleep_from_start, times[i], higher_priority) > 0);
    }
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    return trace.is({210, 220, 230, 240, 250});
}

// Again where the host may have paused a thread between its look at the clock and its sleep.
void wake_order(Report& report) {
    bool in_order = wake_in_order(report);
    for (unsigned again = 0; !in_order && !clock_is_own() && again < 3; ++again) {
        in_order = wake_in_order(report);
    }
    CHECK(in_order);
}

std::atomic<int> wait_result;

void wait_for_abort(std::uintptr_t) {
    wait_result = threadDelay(K_NOTIMEOUT);
    note(static_cast<std::uintptr_t>(threadAborted()));
}

void abort_waiting(Report& report) {
    trace.clear();
    wait_result = 1;
    Helper helper;
    REQUIRE(helper.start(wait_for_abort, 0, higher_priority) > 0);
    CHECK_EQ(wait_result, 1);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    CHECK(helper.join());
    CHECK_EQ(wait_result, K_EABORT);
    CHECK(trace.is({0})); // the abort was used up
}

void abort_self(Report& report) {
    CHECK_EQ(threadAborted(), 0);
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(threadDelay(K_NOTIMEOUT), K_EABORT);
    CHECK_EQ(threadAborted(), 0);
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(threadAborted(), 1);
    CHECK_EQ(threadAborted(), 0);
}

constexpr unsigned short_wait = 20; // milliseconds

// Non-abortable: the abort stays for the next wait.
void wait_through_abort(std::uintptr_t) {
    const KnTimeVal limit{0, (short_wait * K_NPERM) | K_NOABORT};
    wait_result = threadDelay(&limit);
    note(static_cast<std::uintptr_t>(threadAborted()));
}

// Reference, point 1: nucleus waits take a KnTimeVal, or K_NOTIMEOUT or K_NOBLOCK; a zero time does not wait.
void point_01_wait_limits(Report& report) {
    const auto wait = [](long seconds, long nanoseconds) {
        const KnTimeVal limit{seconds, nanoseconds};
        return threadDelay(&limit);
    };
    CHECK_EQ(wait(0, 0), K_OK);
    CHECK_EQ(wait(0, K_NOABORT), K_OK);
    CHECK_EQ(threadDelay(K_NOBLOCK), K_OK);
    CHECK_EQ(wait(0, 1), K_ETIMEOUT);
    CHECK_EQ(wait(0, 1 | K_NOABORT), K_ETIMEOUT);
    for (const long bad : {-1L, 1000000000L, K_NOABORT - 1, 1000000000L | K_NOABORT, 2 * K_NOABORT}) {
        CHECK_EQ(wait(0, bad), K_EINVAL);
    }
    CHECK_EQ(wait(-1, 0), K_EINVAL);
    trace.clear();
    wait_result = 1;
    Helper helper;
    REQUIRE(helper.start(wait_through_abort, 0, higher_priority) > 0);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    CHECK_EQ(wait_result, 1);
    CHECK(helper.join());
    CHECK_EQ(wait_result, K_ETIMEOUT);
    CHECK(trace.is({1}));
    // An abort that came before does not end a wait that is not abortable either.
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(wait(0, K_NPERM | K_NOABORT), K_ETIMEOUT);
    CHECK_EQ(wait(0, K_NPERM), K_EABORT);
}

void wait_for_ever(std::uintptr_t) { wait_result = threadDelay(K_NOTIMEOUT_NOABORT); }

void not_abortable_for_ever(Report& report) {
    wait_result = 1;
    Helper helper;
    REQUIRE(helper.start(wait_for_ever, 0, higher_priority) > 0);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    sleep_milliseconds(2);
    CHECK_EQ(wait_result, 1);
    CHECK_EQ(threadDelete(K_MYACTOR, helper.thread()), K_OK);
}

void run_for_ever(std::uintptr_t) {
    for (;;) {
        burn(1000);
    }
}

void delete_in_any_state(Report& report) {
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper sleeping, ready, running;
        REQUIRE(sleeping.start(wait_for_abort, 0, higher_priority, cpu) > 0);
        REQUIRE(ready.start(run_for_ever, 0, lower_priority, cpu) > 0);
        REQUIRE(running.start(run_for_ever, 0, lower_priority, cpu) > 0);
        sleep_milliseconds(3);
        CHECK_EQ(threadDelete(K_MYACTOR, sleeping.thread()), K_OK);
        CHECK_EQ(threadDelete(K_MYACTOR, ready.thread()), K_OK);
        CHECK_EQ(threadDelete(K_MYACTOR, running.thread()), K_OK);
        CHECK(threadDelete(K_MYACTOR, running.thread()) < 0);
    }
    after = settled_statistics();
    CHECK_EQ(after.threads, before.threads);
}

// ---- binding ----

std::atomic<int> seen_cpu;

void look_at_cpu(std::uintptr_t) { seen_cpu = cpuSelf(); }

void start_on_each(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        seen_cpu = -1;
        Helper helper;
        REQUIRE(helper.start(look_at_cpu, 0, main_priority, cpu) > 0);
        CHECK(helper.join());
        CHECK_EQ(seen_cpu, cpu);
    }
}

void move_self(Report& report) {
    KnCpuId last = 0;
    for (unsigned i = 0; i < 50; ++i) {
        const KnCpuId next = (i * 7 + 1) % cpu_count();
        KnCpuId old = 99;
        REQUIRE_EQ(threadBind(K_MYACTOR, K_MYSELF, next, &old, K_NONEXCLUSIVE), K_OK);
        CHECK_EQ(old, last);
        CHECK_EQ(cpuSelf(), next);
        last = next;
    }
    REQUIRE_EQ(threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE), K_OK);
}

std::atomic<unsigned> runs_on[64];
std::atomic<bool> wander_stop;

void wander(std::uintptr_t) {
    while (!wander_stop.load()) {
        runs_on[cpuSelf() & 63].fetch_add(1);
    }
}

void move_running(Report& report) {
    if (cpu_count() < 2) {
        report.skip("one CPU");
        return;
    }
    wander_stop = false;
    Helper helper;
    REQUIRE(helper.start(wander, 0, lower_priority, 1) > 0);
    for (unsigned i = 0; i < 40; ++i) {
        const KnCpuId next = i % cpu_count();
        CHECK_EQ(threadBind(K_MYACTOR, helper.thread(), next, nullptr, K_NONEXCLUSIVE), K_OK);
        const unsigned before = runs_on[next];
        CHECK(eventually([&] { return runs_on[next] > before; }));
    }
    wander_stop = true;
    CHECK(helper.join());
}

void move_sleeping(Report& report) {
    trace.clear();
    Helper helper;
    REQUIRE(helper.start(sleep_then_note, 500, higher_priority) > 0);
    for (unsigned i = 0; i < 10; ++i) {
        CHECK_EQ(threadBind(K_MYACTOR, helper.thread(), i % cpu_count(), nullptr, K_NONEXCLUSIVE), K_OK);
    }
    CHECK(helper.join());
    CHECK(trace.is({500}));
}

void bind_errors(Report& report) {
    KnCpuId old = 99;
    CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, K_SAMECPU, &old, K_NONEXCLUSIVE), K_OK);
    CHECK_EQ(old, 0);
    for (const KnCpuId bad : {cpu_count(), 64U, 65U, 1000000U, 0xfffffffdU}) {
        CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, bad, nullptr, K_NONEXCLUSIVE), K_EINVAL);
    }
    CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, 5), K_EINVAL);
    CHECK(threadBind(K_MYACTOR, 250, 0, nullptr, K_NONEXCLUSIVE) < 0);
    CHECK_EQ(cpuSelf(), 0);
}

constexpr Case thread_cases[] = {
    {"create_and_end", create_and_end},
    {"create_errors", create_errors},
    {"inactive_until_activated", inactive_until_activated},
    {"table_full", table_full},
    {"priority_order", priority_order},
    {"yield_order", yield_order},
    {"preempted_goes_to_head", preempted_goes_to_head},
    {"change_priority", change_priority},
    {"delays", delays},
    {"wake_order", wake_order},
    {"abort_waiting", abort_waiting},
    {"abort_self", abort_self},
    {"point_01_wait_limits", point_01_wait_limits},
    {"not_abortable_for_ever", not_abortable_for_ever},
    {"delete_in_any_state", delete_in_any_state},
};
constexpr Case binding_cases[] = {
    {"start_on_each", start_on_each}, {"move_self", move_self},     {"move_running", move_running},
    {"move_sleeping", move_sleeping}, {"bind_errors", bind_errors},
};

} // namespace

const Suite threads_suite{"threads", thread_cases};
const Suite binding_suite{"binding", binding_cases};

} // namespace chorale::test
