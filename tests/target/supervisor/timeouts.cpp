// Timeouts: handlers at interrupt level when a time has come.
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <supervisor/thread.hpp>

#include <atomic>

namespace chorale::test {

namespace {

constexpr KnTimeVal patience{30, 0}, an_hour{3600, 0}, millisecond{0, K_NPERM},
    not_yet{0, 200 * K_NPERM}; // but not before the next call

struct Expected {
    KnTimeout timeout; // first: what the handler is given
    std::atomic<unsigned> calls;
    std::atomic<long> at;
    void* cookie;
    long earliest, latest; // when it may come
    int delay_result, cancel_result, again_result;
    unsigned periods; // how often it sets itself again
    KnLapDesc* lap;
    KnSem sem;
};
Expected expected;

long nanoseconds(const KnTimeVal& time) { return time.tmSec * 1'000'000'000 + time.tmNSec; }
long now() {
    KnTimeVal time{};
    sysTime(&time);
    return nanoseconds(time);
}

void on_time(void* argument, void* cookie) {
    auto* const self = reinterpret_cast<Expected*>(argument);
    self->at = now();
    self->cookie = cookie;
    self->delay_result = threadDelay(&millisecond);
    self->cancel_result = svSysTimeoutCancel(&self->timeout);
    if (self->periods != 0) {
        --self->periods;
        self->again_result = svSysTimeoutSet(&self->timeout, &millisecond, 0, self->lap);
    }
    ++self->calls;
    semV(&self->sem);
}

void prepare(Expected& one) {
    one.calls = 0;
    one.at = 0;
    one.periods = 0;
    semInit(&one.sem, 0);
}

// Whatever the KnTimeout held before: nobody has to prepare it.
void spoil(KnTimeout& timeout) { __builtin_memset(&timeout, 0x5a, sizeof(timeout)); }

void point_13_rounding_and_level(Report& report) {
    KnTimeVal resolution{};
    REQUIRE_EQ(svTimeoutGetRes(&resolution), K_OK);
    const long tick = nanoseconds(resolution);
    REQUIRE(tick > 0);
    KnLapDesc lap{};
    int cookie = 0;
    REQUIRE_EQ(svLapCreate(K_MYACTOR, on_time, &cookie, K_LAP_SAMEHOST, &lap), K_OK);
    spoil(expected.timeout);
    // Zero, or less than a tick, is one tick; more is cut to whole ones: it may come by less than a tick
    // early.
    for (const long wanted : {0L, 1L, tick - 1, tick, 100 * tick + tick - 1, 3 * K_NPERM + tick / 2}) {
        prepare(expected);
        const KnTimeVal limit{0, wanted};
        const long begun = now();
        REQUIRE_EQ(svSysTimeoutSet(&expected.timeout, &limit, 0, &lap), K_OK);
        CHECK_EQ(semP(&expected.sem, &patience), K_OK);
        CHECK(expected.at.load() - begun >= (wanted < tick ? tick : wanted / tick * tick));
        CHECK_EQ(expected.calls.load(), 1);
        CHECK(expected.cookie == &cookie);
        CHECK_EQ(expected.delay_result, K_EINVAL); // at interrupt level nothing waits
        CHECK_EQ(expected.cancel_result, K_EBUSY);
        CHECK_EQ(svSysTimeoutCancel(&expected.timeout), K_EINVAL); // one shot
    }
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

void timeout_errors(Report& report) {
    KnLapDesc raw{}, plain{}, none{};
    REQUIRE_EQ(svLapCreate(K_MYACTOR, on_time, nullptr, K_LAP_SAMEHOST, &raw), K_OK);
    REQUIRE_EQ(svLapCreate(K_MYACTOR, on_time, nullptr, 0, &plain), K_OK);
    KnTimeout& timeout = expected.timeout;
    const KnTimeVal wrong{0, 1'000'000'000}, negative{-1, 0};
    CHECK_EQ(svSysTimeoutSet(&timeout, &an_hour, 0, &plain), K_EINVAL);
    CHECK_EQ(svSysTimeoutSet(&timeout, &an_hour, 0, &none), K_EINVAL);
    CHECK_EQ(svSysTimeoutSet(&timeout, &an_hour, 1, &raw), K_EINVAL);
    CHECK_EQ(svSysTimeoutSet(&timeout, &wrong, 0, &raw), K_EINVAL);
    CHECK_EQ(svSysTimeoutSet(&timeout, &negative, 0, &raw), K_EINVAL);
    CHECK_EQ(svSysTimeoutSet(nullptr, &an_hour, 0, &raw), K_EINVAL);
    CHECK_EQ(svSysTimeoutSet(&timeout, nullptr, 0, &raw), K_EFAULT);
    CHECK_EQ(svSysTimeoutSet(&timeout, &an_hour, 0, nullptr), K_EFAULT);
    CHECK_EQ(svTimeoutGetRes(nullptr), K_EFAULT);
    CHECK_EQ(svSysTimeoutCancel(nullptr), K_EINVAL);
    CHECK_EQ(svSysTimeoutCancel(&timeout), K_EINVAL);
    // A LAP that has gone: nothing is called.
    constexpr KnTimeVal later{0, 40 * K_NPERM};
    prepare(expected);
    CHECK_EQ(svSysTimeoutSet(&timeout, &later, 0, &raw), K_OK);
    CHECK_EQ(svLapDelete(&raw), K_OK);
    sleep_milliseconds(60);
    CHECK_EQ(expected.calls.load(), 0);
    CHECK_EQ(svSysTimeoutCancel(&timeout), K_EINVAL);
    CHECK_EQ(svLapDelete(&plain), K_OK);
}

void timeout_again(Report& report) {
    KnLapDesc lap{};
    REQUIRE_EQ(svLapCreate(K_MYACTOR, on_time, nullptr, K_LAP_SAMEHOST, &lap), K_OK);
    prepare(expected);
    CHECK_EQ(svSysTimeoutSet(&expected.timeout, &an_hour, 0, &lap), K_OK);
    CHECK_EQ(svSysTimeoutSet(&expected.timeout, &millisecond, 0, &lap), K_OK); // sooner
    CHECK_EQ(semP(&expected.sem, &patience), K_OK);
    CHECK_EQ(svSysTimeoutSet(&expected.timeout, &not_yet, 0, &lap), K_OK);
    CHECK_EQ(svSysTimeoutSet(&expected.timeout, &an_hour, 0, &lap), K_OK); // later
    sleep_milliseconds(250);
    CHECK_EQ(expected.calls.load(), 1);
    CHECK_EQ(svSysTimeoutCancel(&expected.timeout), K_OK);
    CHECK_EQ(svSysTimeoutCancel(&expected.timeout), K_EINVAL);
    // From its own handler.
    prepare(expected);
    expected.periods = 10;
    expected.lap = &lap;
    CHECK_EQ(svSysTimeoutSet(&expected.timeout, &millisecond, 0, &lap), K_OK);
    for (unsigned i = 0; i < 11; ++i) {
        CHECK_EQ(semP(&expected.sem, &patience), K_OK);
        CHECK_EQ(expected.again_result, K_OK);
    }
    sleep_milliseconds(5);
    CHECK_EQ(expected.calls.load(), 11);
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

// ---- many, and from all CPUs --------------------------------------------------------------------

constexpr unsigned many = 300;
Expected crowd[many];
std::atomic<unsigned> finished, order_broken;
long last_due; // written at interrupt level of one CPU

// None comes before one that must have been due earlier.
void in_order(void* argument, void*) {
    auto* const self = reinterpret_cast<Expected*>(argument);
    if (last_due > self->latest || now() < self->earliest) {
        ++order_broken;
    }
    last_due = self->earliest > last_due ? self->earliest : last_due;
    ++self->calls;
    semV(&expected.sem);
}

// The later they are set the sooner they come; every third is taken back.
void timeout_many(Report& report) {
    KnTimeVal resolution{};
    CHECK_EQ(svTimeoutGetRes(&resolution), K_OK);
    const long tick = nanoseconds(resolution);
    KnLapDesc lap{};
    REQUIRE_EQ(svLapCreate(K_MYACTOR, in_order, nullptr, K_LAP_SAMEHOST, &lap), K_OK);
    prepare(expected);
    order_broken = 0;
    last_due = 0;
    CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, static_cast<KnCpuId>(cpuSelf()), nullptr, K_NONEXCLUSIVE),
             K_OK); // one timer queue
    for (unsigned i = 0; i < many; ++i) {
        prepare(crowd[i]);
        spoil(crowd[i].timeout);
        const KnTimeVal limit{0, static_cast<long>(100 + many - i) * K_NPERM};
        crowd[i].earliest = now() + limit.tmNSec / tick * tick;
        crowd[i].latest = crowd[i].earliest + 1'000'000'000;
        REQUIRE_EQ(svSysTimeoutSet(&crowd[i].timeout, &limit, 0, &lap), K_OK);
        crowd[i].latest = now() + limit.tmNSec;
    }
    for (unsigned i = 0; i < many; ++i) {
        CHECK_EQ(semP(&expected.sem, &patience), K_OK);
    }
    CHECK_EQ(order_broken.load(), 0);
    CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, K_ANYCPU, nullptr, K_NONEXCLUSIVE), K_OK);
    for (unsigned i = 0; i < many; ++i) {
        CHECK_EQ(svSysTimeoutSet(&crowd[i].timeout, &an_hour, 0, &lap), K_OK);
    }
    for (unsigned i = 0; i < many; ++i) {
        CHECK_EQ(crowd[i].calls.load(), 1);
        CHECK_EQ(svSysTimeoutCancel(&crowd[i].timeout), K_OK);
    }
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

std::atomic<bool> over;
std::atomic<unsigned> taken_back, rounds;
void count_call(void* argument, void*) { ++reinterpret_cast<Expected*>(argument)->calls; }
KnLapDesc counting;
constexpr unsigned contested = 4;

// Sets and cancels what others set and cancel too.
void contend(std::uintptr_t seed) {
    std::uintptr_t state = seed;
    while (!over.load()) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        KnTimeout& timeout = crowd[state >> 40 & (contested - 1)].timeout;
        const KnTimeVal soon{0, static_cast<long>(state >> 50 & 0xff) * 1000};
        if ((state >> 60 & 1) != 0) {
            svSysTimeoutSet(&timeout, &soon, 0, &counting);
        } else if (svSysTimeoutCancel(&timeout) == K_OK) {
            ++taken_back;
        }
        ++rounds;
    }
    ++finished;
}

void timeout_cpus(Report& report) {
    REQUIRE_EQ(svLapCreate(K_MYACTOR, count_call, nullptr, K_LAP_SAMEHOST, &counting), K_OK);
    over = false;
    finished = taken_back = rounds = 0;
    for (unsigned i = 0; i < contested; ++i) {
        prepare(crowd[i]);
    }
    const unsigned cpus = running_cpus();
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        CHECK(start_supervisor_thread({contend, cpu + 1, K_DEFAULT_STACK_SIZE, 200, static_cast<long>(cpu)}) >
              0);
    }
    sleep_milliseconds(100);
    over = true;
    for (unsigned waited = 0; waited < 30000 && finished.load() != cpus; ++waited) {
        sleep_milliseconds(1);
    }
    CHECK_EQ(finished.load(), cpus);
    sleep_milliseconds(500); // what is still set comes by then
    unsigned calls = 0;
    for (unsigned i = 0; i < contested; ++i) {
        CHECK_EQ(svSysTimeoutCancel(&crowd[i].timeout), K_EINVAL);
        calls += crowd[i].calls.load();
    }
    CHECK(calls != 0 && taken_back.load() != 0);
    CHECK_EQ(svLapDelete(&counting), K_OK);
}

// ---- the driver interface -----------------------------------------------------------------------

std::atomic<unsigned> driver_calls;
KnSem driver_sem;
void driver_handler(KnTimeout* timeout) {
    ++driver_calls;
    if (driver_calls.load() < 3) {
        svTimeoutSet(timeout, driver_handler, &millisecond, 0);
    }
    semV(&driver_sem);
}

void timeout_of_drivers(Report& report) {
    KnTimeout timeout;
    spoil(timeout);
    semInit(&driver_sem, 0);
    driver_calls = 0;
    CHECK_EQ(svTimeoutSet(nullptr, driver_handler, &millisecond, 0), K_EINVAL);
    CHECK_EQ(svTimeoutSet(&timeout, nullptr, &millisecond, 0), K_EINVAL);
    REQUIRE_EQ(svTimeoutSet(&timeout, driver_handler, &millisecond, 0), K_OK);
    for (unsigned i = 0; i < 3; ++i) {
        CHECK_EQ(semP(&driver_sem, &patience), K_OK);
    }
    CHECK_EQ(driver_calls.load(), 3);
    CHECK_EQ(svTimeoutCancel(&timeout), K_EINVAL);
    CHECK_EQ(svTimeoutSet(&timeout, driver_handler, &an_hour, 0), K_OK);
    CHECK_EQ(svTimeoutCancel(&timeout), K_OK);
}

constexpr Case all[] = {{"point_13_rounding_and_level", point_13_rounding_and_level},
                        {"timeout_errors", timeout_errors},
                        {"timeout_again", timeout_again},
                        {"timeout_many", timeout_many},
                        {"timeout_cpus", timeout_cpus},
                        {"timeout_of_drivers", timeout_of_drivers}};

} // namespace

const std::span<const Case> timeout_cases{all};

} // namespace chorale::test
