// Virtual timeouts: handlers on a thread that has used so much CPU time.
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <supervisor/thread.hpp>

#include <atomic>

namespace chorale::test {

namespace {

constexpr KnTimeVal some{0, 5 * K_NPERM}, an_hour{3600, 0}, pause{0, K_NPERM};

struct Expected {
    KnVirtTimeout timeout; // first: what the handler is given
    std::atomic<unsigned> calls;
    int thread, delay_result;
    long used; // by the thread, at home, when the handler began
    bool abroad;
};
Expected expected;
std::atomic<bool> is_abroad, over;
std::atomic<unsigned> finished;

long nanoseconds(const KnTimeVal& time) { return time.tmSec * 1'000'000'000 + time.tmNSec; }

long used_at_home(KnThreadLid thread) {
    KnTimeVal internal{};
    threadTimes(K_MYACTOR, thread, &internal, nullptr);
    return nanoseconds(internal);
}

void on_time(void* argument, void*) {
    auto* const self = reinterpret_cast<Expected*>(argument);
    self->abroad = is_abroad;
    self->thread = threadSelf();
    self->used = used_at_home(threadSelf());
    self->delay_result = threadDelay(&pause); // at thread level everything is allowed
    ++self->calls;
}

KnLapDesc lap_of(KnLapHdl handler, unsigned options = 0) {
    KnLapDesc lap{};
    svLapCreate(K_MYACTOR, handler, nullptr, options, &lap);
    return lap;
}

// Uses CPU time until it is so; false: that takes too long.
template <class Condition>
bool spin_until(Condition&& condition) {
    KnTimeVal begun{}, now{};
    sysTime(&begun);
    do {
        if (condition()) {
            return true;
        }
        sysTime(&now);
    } while (now.tmSec - begun.tmSec < 10);
    return false;
}
bool called(unsigned times = 1) {
    return spin_until([&] { return expected.calls.load() >= times; });
}

void own_thread(Report& report) {
    const KnLapDesc lap = lap_of(on_time);
    expected.calls = 0;
    const long before = used_at_home(K_MYSELF);
    REQUIRE_EQ(
        svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &expected.timeout, &some, K_VTIME_INTERNAL, &lap),
        K_OK);
    sleep_milliseconds(50); // which uses none, but for an emulated CPU that stood still on its way there
    CHECK(expected.calls.load() == 0 || expected.used - before >= some.tmNSec);
    CHECK(called());
    CHECK_EQ(expected.thread, threadSelf());
    CHECK_EQ(expected.delay_result, K_ETIMEOUT);
    CHECK(expected.used - before >= some.tmNSec);
    CHECK_EQ(svThreadVirtualTimeoutCancel(K_MYACTOR, K_MYSELF, &expected.timeout), K_EINVAL); // one shot
    // Set anew, sooner; and taken back.
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &expected.timeout, &an_hour, K_VTIME_TOTAL, &lap),
             K_OK);
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &expected.timeout, &some, K_VTIME_TOTAL, &lap),
             K_OK);
    CHECK(called(2));
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &expected.timeout, &an_hour, K_VTIME_TOTAL, &lap),
             K_OK);
    CHECK_EQ(svThreadVirtualTimeoutCancel(K_MYACTOR, K_MYSELF, &expected.timeout), K_OK);
    CHECK_EQ(svThreadVirtualTimeoutCancel(K_MYACTOR, K_MYSELF, &expected.timeout), K_EINVAL);
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

void errors(Report& report) {
    KnLapDesc lap = lap_of(on_time);
    const KnLapDesc none{};
    const KnTimeVal wrong{0, -1};
    KnVirtTimeout& timeout = expected.timeout;
    KnTimeVal resolution{};
    CHECK_EQ(virtualTimeGetRes(&resolution), K_OK);
    CHECK(nanoseconds(resolution) > 0);
    CHECK_EQ(virtualTimeGetRes(nullptr), K_EFAULT);
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, 9999, &timeout, &some, K_VTIME_TOTAL, &lap), K_EINVAL);
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &timeout, &some, 2, &lap), K_EINVAL);
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &timeout, &wrong, K_VTIME_TOTAL, &lap), K_EINVAL);
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &timeout, &some, K_VTIME_TOTAL, &none), K_EINVAL);
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, nullptr, &some, K_VTIME_TOTAL, &lap), K_EINVAL);
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &timeout, nullptr, K_VTIME_TOTAL, &lap),
             K_EFAULT);
    CHECK_EQ(svActorVirtualTimeoutSet(K_MYACTOR, &timeout, &some, 2, &lap), K_EINVAL);
    CHECK_EQ(svActorVirtualTimeoutSet(K_MYACTOR, &timeout, &some, K_VTIME_TOTAL, nullptr), K_EFAULT);
    CHECK_EQ(svActorVirtualTimeoutCancel(K_MYACTOR, &timeout), K_EINVAL);
    const KnCap nobody{};
    CHECK_EQ(svActorVirtualTimeoutCancel(&nobody, &timeout), K_EINVAL);
    // As many as there may be; the one too many changes nothing.
    constexpr unsigned most = 64;
    static KnVirtTimeout many[most + 1];
    for (unsigned i = 0; i <= most; ++i) {
        CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &many[i], &an_hour, K_VTIME_TOTAL, &lap),
                 i < most ? K_OK : K_EFULL);
    }
    for (unsigned i = 0; i <= most; ++i) {
        CHECK_EQ(svThreadVirtualTimeoutCancel(K_MYACTOR, K_MYSELF, &many[i]), i < most ? K_OK : K_EINVAL);
    }
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

// Runs in another actor. Its own threads are not meant: K_MYACTOR is that one here.
void be_abroad(void* cap, void*) {
    is_abroad = true;
    const auto* const home = static_cast<const KnCap*>(cap);
    const KnThreadLid self = threadSelf();
    const auto used = [&] {
        KnTimeVal external{};
        threadTimes(home, self, nullptr, &external);
        return nanoseconds(external);
    };
    const long begun = used();
    static_cast<void>(spin_until([&] { return used() - begun >= 3 * some.tmNSec; }));
    is_abroad = false;
}

// Time abroad counts for K_VTIME_TOTAL only, and the handler waits until the thread is at home.
void abroad(Report& report) {
    KnCap other{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_SUPACTOR, K_ACTIVE), K_OK);
    KnLapDesc visit{};
    REQUIRE_EQ(svLapCreate(&other, be_abroad, nullptr, 0, &visit), K_OK);
    const KnLapDesc lap = lap_of(on_time);
    static Expected internal;
    expected.calls = internal.calls = 0;
    const KnTimeVal more{0, 100 * K_NPERM};
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &expected.timeout, &some, K_VTIME_TOTAL, &lap),
             K_OK);
    CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &internal.timeout, &more, K_VTIME_INTERNAL, &lap),
             K_OK);
    KnCap home{};
    CHECK_EQ(actorSelf(&home), K_OK);
    CHECK_EQ(lapInvoke(&visit, &home), K_OK);
    CHECK_EQ(expected.calls.load(), 1); // as soon as it was back
    CHECK(!expected.abroad);
    CHECK_EQ(internal.calls.load(), 0);
    CHECK_EQ(svThreadVirtualTimeoutCancel(K_MYACTOR, K_MYSELF, &internal.timeout), K_OK);
    CHECK_EQ(svLapDelete(&visit), K_OK);
    CHECK_EQ(svLapDelete(&lap), K_OK);
    CHECK_EQ(actorDelete(&other), K_OK);
}

// ---- other threads ------------------------------------------------------------------------------

void work(std::uintptr_t) {
    while (!over.load()) {
        nullCall();
    }
    ++finished;
}
void finish(Report& report, unsigned count) {
    over = true;
    for (unsigned waited = 0; waited < 5000 && finished.load() != count; ++waited) {
        sleep_milliseconds(1);
    }
    CHECK_EQ(finished.load(), count);
}
bool waited_for(unsigned calls) {
    for (unsigned waited = 0; waited < 10'000 && expected.calls.load() < calls; ++waited) {
        sleep_milliseconds(1);
    }
    return expected.calls.load() >= calls;
}

void other_threads(Report& report) {
    const KnLapDesc lap = lap_of(on_time);
    const unsigned cpus = running_cpus();
    over = false;
    finished = 0;
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        const int worker =
            start_supervisor_thread({work, 0, K_DEFAULT_STACK_SIZE, 200, static_cast<long>(cpu)});
        REQUIRE(worker > 0);
        expected.calls = 0;
        CHECK_EQ(
            svThreadVirtualTimeoutSet(K_MYACTOR, worker, &expected.timeout, &some, K_VTIME_INTERNAL, &lap),
            K_OK);
        CHECK(waited_for(1));
        CHECK_EQ(expected.thread, worker);
        // With this one it ends.
        static KnVirtTimeout last;
        CHECK_EQ(svThreadVirtualTimeoutSet(K_MYACTOR, worker, &last, &an_hour, K_VTIME_INTERNAL, &lap), K_OK);
    }
    finish(report, cpus);
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

// One that does not wait: its thread would have to wait for the CPU then, behind an equal that never ends.
void note_call(void* argument, void*) { ++reinterpret_cast<Expected*>(argument)->calls; }

// The sum over all threads, those that come later included; on one of them.
void whole_actor(Report& report) {
    const KnLapDesc lap = lap_of(note_call);
    const KnTimeVal much{0, 40 * K_NPERM};
    const unsigned cpus = running_cpus(), workers = 2 * cpus;
    over = false;
    finished = 0;
    expected.calls = 0;
    KnTimeVal before{}, after{};
    CHECK_EQ(threadTimes(K_MYACTOR, K_ALLACTORTHREADS, &before, nullptr), K_OK);
    CHECK_EQ(svActorVirtualTimeoutSet(K_MYACTOR, &expected.timeout, &much, K_VTIME_INTERNAL, &lap), K_OK);
    for (unsigned i = 0; i < workers; ++i) {
        CHECK(start_supervisor_thread({work, 0, K_DEFAULT_STACK_SIZE, 200, static_cast<long>(i % cpus)}) > 0);
    }
    CHECK(waited_for(1));
    CHECK_EQ(threadTimes(K_MYACTOR, K_ALLACTORTHREADS, &after, nullptr), K_OK);
    CHECK(nanoseconds(after) - nanoseconds(before) >= much.tmNSec);
    CHECK_EQ(svActorVirtualTimeoutCancel(K_MYACTOR, &expected.timeout), K_EINVAL);
    CHECK_EQ(svActorVirtualTimeoutSet(K_MYACTOR, &expected.timeout, &an_hour, K_VTIME_TOTAL, &lap), K_OK);
    CHECK_EQ(svActorVirtualTimeoutCancel(K_MYACTOR, &expected.timeout), K_OK);
    finish(report, workers);
    CHECK_EQ(expected.calls.load(), 1);
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

// ---- the form without LAPs ----------------------------------------------------------------------

std::atomic<unsigned> plain_calls;
void plain_handler(KnVirtTimeout*) { ++plain_calls; }

void without_laps(Report& report) {
    static KnVirtTimeout timeout;
    for (const KnThreadLid thread : {K_MYSELF, K_ALLACTORTHREADS}) {
        plain_calls = 0;
        CHECK_EQ(svVirtualTimeoutSet(K_MYACTOR, thread, &timeout, plain_handler, &some, K_VTIME_TOTAL), K_OK);
        CHECK(spin_until([] { return plain_calls.load() != 0; }));
        CHECK_EQ(plain_calls.load(), 1);
        CHECK_EQ(svVirtualTimeoutSet(K_MYACTOR, thread, &timeout, plain_handler, &an_hour, K_VTIME_TOTAL),
                 K_OK);
        CHECK_EQ(svVirtualTimeoutCancel(K_MYACTOR, thread, &timeout), K_OK);
        CHECK_EQ(svVirtualTimeoutSet(K_MYACTOR, thread, &timeout, nullptr, &some, K_VTIME_TOTAL), K_EINVAL);
    }
}

constexpr Case all[] = {{"virtual_own_thread", own_thread},   {"virtual_errors", errors},
                        {"virtual_abroad", abroad},           {"virtual_other_threads", other_threads},
                        {"virtual_whole_actor", whole_actor}, {"virtual_without_laps", without_laps}};

} // namespace

const std::span<const Case> virtual_time_cases{all};

} // namespace chorale::test
