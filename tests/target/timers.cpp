// Suite timers: pools of threads, timers of all kinds, overruns, other CPUs, the ends of all that takes part.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t millisecond = 1'000'000;

std::int64_t nanoseconds(const KnTimeVal& time) { return time.tmSec * second + time.tmNSec; }
KnTimeVal time_of(std::int64_t value) { return {value / second, value % second}; }

std::int64_t system_time() {
    KnTimeVal now{};
    sysTime(&now);
    return nanoseconds(now);
}

void* word(std::uintptr_t value) { return reinterpret_cast<void*>(value); }

KnThreadPool pool, other_pool;

// A timer of the test's own actor, deleted at the end of the case.
class TestTimer {
  public:
    explicit TestTimer(std::uintptr_t cookie = 0, KnThreadPool& of = pool) {
        created_ = timerCreate(K_MYACTOR, K_CLOCK_REALTIME, &of, word(cookie), &li_);
    }
    TestTimer(const TestTimer&) = delete;
    TestTimer& operator=(const TestTimer&) = delete;
    ~TestTimer() {
        if (created_ == K_OK) timerDelete(K_MYACTOR, li_);
    }
    [[nodiscard]] int created() const { return created_; }
    [[nodiscard]] int li() const { return li_; }
    int set(std::int64_t value, std::int64_t reload = 0, int flags = 0, KnITimer* old = nullptr) {
        const KnITimer setting{time_of(reload), time_of(value)};
        return timerSet(K_MYACTOR, li_, flags, &setting, old);
    }
    [[nodiscard]] std::int64_t left() {
        KnITimer now{};
        return timerSet(K_MYACTOR, li_, 0, nullptr, &now) == K_OK ? nanoseconds(now.ITmValue) : -1;
    }

  private:
    int created_, li_{-1};
};

// The cookie of the timer that came, or an error.
struct Taken {
    long result;
    std::uintptr_t cookie;
    int overrun;
};

Taken take(std::int64_t limit, KnThreadPool& from = pool) {
    void* cookie = nullptr;
    int overrun = -1;
    const KnTimeVal wait = time_of(limit);
    const int result = timerThreadPoolWait(&from, &cookie, &overrun, &wait);
    return {result, reinterpret_cast<std::uintptr_t>(cookie), overrun};
}

void one_shot(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    TestTimer timer{42};
    REQUIRE_EQ(timer.created(), K_OK);
    CHECK_EQ(timer.left(), 0);
    const std::int64_t begin = system_time();
    CHECK_EQ(timer.set(20 * millisecond), K_OK);
    const std::int64_t left = timer.left();
    CHECK(left <= 20 * millisecond && (left > 0 || system_time() - begin >= 20 * millisecond));
    const Taken taken = take(5 * second);
    CHECK_EQ(taken.result, K_OK);
    CHECK_EQ(taken.cookie, 42);
    CHECK_EQ(taken.overrun, 0);
    CHECK(system_time() - begin >= 20 * millisecond);
    CHECK_EQ(timer.left(), 0);
    CHECK_EQ(take(5 * millisecond).result, K_ETIMEOUT); // once
}

void absolute(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    TestTimer timer{1};
    const std::int64_t when = system_time() + 15 * millisecond;
    KnITimer old{};
    CHECK_EQ(timer.set(when, 0, K_TIMER_ABSOLUTE), K_OK);
    CHECK(timer.left() <= 15 * millisecond); // relative all the same
    CHECK_EQ(take(5 * second).result, K_OK);
    CHECK(system_time() >= when);
    // The past: at once, with the periods that have passed.
    constexpr std::int64_t period = 5 * millisecond;
    sleep_milliseconds(60); // so that there is one
    const std::int64_t past = system_time() - 10 * period;
    CHECK_EQ(timer.set(past, period, K_TIMER_ABSOLUTE, &old), K_OK);
    CHECK_EQ(nanoseconds(old.ITmValue), 0);
    const Taken taken = take(5 * second);
    CHECK_EQ(taken.result, K_OK);
    CHECK(taken.overrun >= 10 && taken.overrun <= (system_time() - past) / period);
    CHECK(timer.left() > 0 && timer.left() <= period);
    CHECK_EQ(timer.set(1, 0, K_TIMER_ABSOLUTE), K_OK);
    CHECK_EQ(take(5 * second).result, K_OK);
}

void set_again_and_disarm(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    TestTimer timer{1};
    KnITimer old{};
    CHECK_EQ(timer.set(5 * second, 7 * millisecond), K_OK);
    CHECK_EQ(timer.set(2 * millisecond, 0, 0, &old), K_OK);
    CHECK(nanoseconds(old.ITmValue) > 4 * second && nanoseconds(old.ITmValue) <= 5 * second);
    CHECK_EQ(nanoseconds(old.ITmReload), 7 * millisecond);
    CHECK_EQ(take(5 * second).result, K_OK);
    CHECK_EQ(timer.set(2 * millisecond), K_OK);
    CHECK_EQ(timer.set(0, millisecond, 0, &old), K_OK); // disarmed, whatever the period
    CHECK(nanoseconds(old.ITmValue) > 0);
    CHECK_EQ(take(10 * millisecond).result, K_ETIMEOUT);
    // An expiration that nobody has seen goes with its setting.
    CHECK_EQ(timer.set(1), K_OK);
    sleep_milliseconds(2);
    CHECK_EQ(timer.set(5 * second), K_OK);
    CHECK_EQ(take(5 * millisecond).result, K_ETIMEOUT);
}

void kept_without_a_thread(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    TestTimer first{1}, second_one{2}, third{3};
    const std::int64_t later = system_time() + 200 * millisecond; // all are set by then
    CHECK_EQ(first.set(later + 3 * millisecond, 0, K_TIMER_ABSOLUTE), K_OK);
    CHECK_EQ(second_one.set(later + 2 * millisecond, 0, K_TIMER_ABSOLUTE), K_OK);
    CHECK_EQ(third.set(later + millisecond, 0, K_TIMER_ABSOLUTE), K_OK);
    sleep_milliseconds(210);
    for (const std::uintptr_t cookie : {3U, 2U, 1U}) {
        const Taken taken = take(0);
        CHECK_EQ(taken.result, K_OK);
        CHECK_EQ(taken.cookie, cookie);
        CHECK_EQ(taken.overrun, 0);
    }
    CHECK_EQ(take(0).result, K_ETIMEOUT);
    CHECK_EQ(timerThreadPoolWait(&pool, nullptr, nullptr, K_NOBLOCK), K_ETIMEOUT);
}

// Every period is a return or an overrun, however slow the thread.
void overruns_add_up(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    TestTimer timer{9};
    constexpr std::int64_t period = 2 * millisecond;
    const std::int64_t begin = system_time() + period;
    CHECK_EQ(timer.set(begin, period, K_TIMER_ABSOLUTE), K_OK);
    std::int64_t seen = 0;
    for (const unsigned pause : {0U, 1U, 7U, 0U, 23U, 5U, 0U, 0U, 11U}) {
        const std::int64_t before = system_time();
        const Taken taken = take(5 * second);
        const std::int64_t after = system_time();
        REQUIRE_EQ(taken.result, K_OK);
        CHECK_EQ(taken.cookie, 9);
        seen += 1 + taken.overrun;
        // As many as there were periods when it returned: at some moment between the two.
        CHECK(before < begin || seen >= (before - begin) / period);
        CHECK(seen <= (after - begin) / period + 1);
        if (pause != 0) {
            sleep_milliseconds(pause);
        }
    }
}

// A period that no thread could keep up with.
void shortest_period(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    TestTimer timer{1};
    CHECK_EQ(timer.set(1, 1), K_OK);
    std::int64_t begin = 0; // no later than when the last one was taken
    for (unsigned i = 0; i < 50; ++i) {
        begin = system_time();
        CHECK_EQ(take(5 * second).result, K_OK);
    }
    sleep_milliseconds(3);
    const Taken taken = take(5 * second);
    CHECK(taken.overrun > 2'000'000);
    CHECK(taken.overrun <= system_time() - begin + millisecond);
}

struct Handling {
    std::atomic<unsigned> inside, most, handled, ended;
} handling;

void handle(std::uintptr_t milliseconds) {
    const KnTimeVal limit = time_of(200 * millisecond);
    while (timerThreadPoolWait(&pool, nullptr, nullptr, &limit) == K_OK) {
        const unsigned inside = handling.inside.fetch_add(1) + 1;
        if (inside > handling.most) {
            handling.most = inside;
        }
        sleep_milliseconds(static_cast<unsigned>(milliseconds));
        handling.inside.fetch_sub(1);
        handling.handled.fetch_add(1);
    }
    handling.ended.fetch_add(1);
}

// The reference's point 12: one thread at a time for a timer, what it misses are overruns, and the old
// setting is relative. Four threads wait, one timer: never two inside.
void point_12_one_thread_per_timer(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    handling.inside = handling.most = handling.handled = handling.ended = 0;
    Helper helpers[4];
    for (unsigned i = 0; i < 4; ++i) {
        REQUIRE(helpers[i].start(handle, 5, higher_priority, i % cpu_count()) > 0);
    }
    TestTimer timer{1};
    KnITimer old{};
    const std::int64_t begin = system_time();
    CHECK_EQ(timer.set(millisecond, millisecond), K_OK);
    sleep_milliseconds(60);
    CHECK_EQ(timer.set(0, 0, 0, &old), K_OK);
    CHECK(nanoseconds(old.ITmValue) >= 0 && nanoseconds(old.ITmValue) <= millisecond);
    CHECK_EQ(nanoseconds(old.ITmReload), millisecond);
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    CHECK_EQ(handling.most, 1);
    CHECK(handling.handled >= 2 && handling.handled <= (system_time() - begin) / (5 * millisecond) + 1);
}

// Keeps a timer's expiration until another thread has another's, or until it never comes.
void meet(std::uintptr_t) {
    const KnTimeVal limit = time_of(5 * second);
    if (timerThreadPoolWait(&pool, nullptr, nullptr, &limit) == K_OK) {
        handling.inside.fetch_add(1);
        if (eventually([] { return handling.inside == 2; })) {
            handling.handled.fetch_add(1);
        }
    }
}

// Two timers may keep two threads busy.
void two_timers_two_threads(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    handling.inside = handling.handled = 0;
    Helper helpers[2];
    for (unsigned i = 0; i < 2; ++i) {
        REQUIRE(helpers[i].start(meet, 0, higher_priority, i % cpu_count()) > 0);
    }
    TestTimer first{1}, second_one{2};
    CHECK_EQ(first.set(millisecond), K_OK);
    CHECK_EQ(second_one.set(millisecond), K_OK);
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    CHECK_EQ(handling.handled, 2);
}

std::atomic<long> wait_result;
std::atomic<int> aborted_after;

void wait_for_ever(std::uintptr_t limit) {
    wait_result = timerThreadPoolWait(&pool, nullptr, nullptr, reinterpret_cast<KnTimeVal*>(limit));
    aborted_after = threadAborted();
}

void abort_of_waiters(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        wait_result = 1;
        Helper helper;
        REQUIRE(helper.start(wait_for_ever, reinterpret_cast<std::uintptr_t>(K_NOTIMEOUT), higher_priority,
                             cpu) > 0);
        sleep_milliseconds(3);
        CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
        CHECK(helper.join());
        CHECK_EQ(wait_result, K_EABORT);
        CHECK_EQ(aborted_after, 0);
    }
    // One that is not to be aborted is woken by a timer and still aborted then.
    wait_result = 1;
    Helper helper;
    REQUIRE(helper.start(wait_for_ever, reinterpret_cast<std::uintptr_t>(K_NOTIMEOUT_NOABORT),
                         higher_priority) > 0);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    TestTimer timer{1};
    CHECK_EQ(timer.set(2 * millisecond), K_OK);
    CHECK(helper.join());
    CHECK_EQ(wait_result, K_OK);
    CHECK_EQ(aborted_after, 1);
    // And one before the wait.
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(take(second).result, K_EABORT);
    CHECK_EQ(threadAborted(), 0);
}

// A waiting thread that is deleted takes no expiration along.
void deletion_of_waiters(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        wait_result = 1;
        Helper helper;
        REQUIRE(helper.start(wait_for_ever, reinterpret_cast<std::uintptr_t>(K_NOTIMEOUT), higher_priority,
                             cpu) > 0);
        sleep_milliseconds(2);
        TestTimer timer{7};
        CHECK_EQ(timer.set(millisecond), K_OK);
        if (cpu % 2 == 0) {
            helper.stop();
            // Where the host paused this CPU the thread had it before it was deleted.
            CHECK(wait_result == K_OK || take(second).cookie == 7);
        } else {
            CHECK(helper.join());
        }
    }
}

// A timer deleted while a thread waits for it: the thread goes on waiting.
void deletion_of_timers(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    int li = -1;
    for (unsigned i = 0; i < 100; ++i) {
        REQUIRE_EQ(timerCreate(K_MYACTOR, K_CLOCK_REALTIME, &pool, word(i), &li), K_OK);
        const KnITimer setting{{0, 0}, {0, static_cast<long>(i % 3) * 100'000 + 1}};
        CHECK_EQ(timerSet(K_MYACTOR, li, 0, &setting, nullptr), K_OK);
        CHECK_EQ(timerDelete(K_MYACTOR, li), K_OK);
        CHECK_EQ(timerDelete(K_MYACTOR, li), K_EINVAL);
        CHECK_EQ(timerSet(K_MYACTOR, li, 0, &setting, nullptr), K_EINVAL);
    }
    CHECK_EQ(take(5 * millisecond).result, K_ETIMEOUT);
    // By the thread that is active on its behalf.
    REQUIRE_EQ(timerCreate(K_MYACTOR, K_CLOCK_REALTIME, &pool, word(5), &li), K_OK);
    const KnITimer now{{0, 1000}, {0, 1}};
    CHECK_EQ(timerSet(K_MYACTOR, li, 0, &now, nullptr), K_OK);
    CHECK_EQ(take(second).cookie, 5);
    CHECK_EQ(timerDelete(K_MYACTOR, li), K_OK);
    CHECK_EQ(take(5 * millisecond).result, K_ETIMEOUT);
}

// The timer stands at CPU 0; it is set from all.
void set_from_every_cpu(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    TestTimer timer{3};
    for (unsigned i = 0; i < 4 * cpu_count(); ++i) {
        REQUIRE_EQ(threadBind(K_MYACTOR, K_MYSELF, i % cpu_count(), nullptr, K_NONEXCLUSIVE), K_OK);
        const std::int64_t begin = system_time();
        CHECK_EQ(timer.set(5 * second), K_OK);
        CHECK_EQ(timer.set(millisecond), K_OK);
        CHECK_EQ(take(5 * second).cookie, 3);
        CHECK(system_time() - begin >= millisecond);
        CHECK_EQ(timer.set(millisecond), K_OK);
        CHECK_EQ(timer.set(0), K_OK);
        CHECK_EQ(take(3 * millisecond).result, K_ETIMEOUT);
    }
    CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE), K_OK);
}

void errors(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    int li = -1;
    KnThreadPool never{};
    KnThreadPool copy = pool;
    copy.tpKey ^= 1;
    KnTimeVal resolution{};
    CHECK_EQ(timerCreate(K_MYACTOR, 0, &pool, nullptr, &li), K_EINVAL);
    CHECK_EQ(timerCreate(K_MYACTOR, K_CLOCK_REALTIME, &never, nullptr, &li), K_EINVAL);
    CHECK_EQ(timerCreate(K_MYACTOR, K_CLOCK_REALTIME, &copy, nullptr, &li), K_EINVAL);
    copy.tpIndex = 1'000'000;
    CHECK_EQ(timerThreadPoolWait(&copy, nullptr, nullptr, K_NOBLOCK), K_EINVAL);
    CHECK_EQ(timerThreadPoolWait(&never, nullptr, nullptr, K_NOBLOCK), K_EINVAL);
    CHECK_EQ(timerGetRes(7, &resolution), K_EINVAL);
    CHECK_EQ(timerGetRes(K_CLOCK_REALTIME, &resolution), K_OK);
    CHECK(resolution.tmSec == 0 && resolution.tmNSec > 0);
    for (const int bad : {-1, -1000, 511, 512, 2048, 1'000'000}) {
        CHECK_EQ(timerDelete(K_MYACTOR, bad), K_EINVAL);
        CHECK_EQ(timerSet(K_MYACTOR, bad, 0, nullptr, nullptr), K_EINVAL);
    }
    TestTimer timer{1};
    for (const KnTimeVal& bad : {KnTimeVal{-1, 0}, KnTimeVal{0, -1}, KnTimeVal{0, second}}) {
        const KnITimer value{{0, 0}, bad}, reload{bad, {1, 0}};
        CHECK_EQ(timerSet(K_MYACTOR, timer.li(), 0, &value, nullptr), K_EINVAL);
        CHECK_EQ(timerSet(K_MYACTOR, timer.li(), 0, &reload, nullptr), K_EINVAL);
        CHECK_EQ(timerThreadPoolWait(&pool, nullptr, nullptr, &bad), K_EINVAL);
    }
    CHECK_EQ(timer.set(1, 0, 2), K_EINVAL);
    CHECK_EQ(timer.left(), 0);
    // The same object again is the same pool.
    const std::uint64_t key = pool.tpKey;
    CHECK_EQ(timerThreadPoolInit(&pool), K_OK);
    CHECK_EQ(pool.tpKey, key);
}

int all[4096];

// As many as an actor may have, all armed, and all told.
void quota(Report& report) {
    REQUIRE_EQ(timerThreadPoolInit(&other_pool), K_OK);
    unsigned count = 0;
    int result = K_OK;
    const KnSysStatistics before = settled_statistics();
    while (count < 4096 && result == K_OK) {
        result = timerCreate(K_MYACTOR, K_CLOCK_REALTIME, &other_pool, word(count), &all[count]);
        count += result == K_OK ? 1U : 0U;
    }
    CHECK_EQ(result, K_EFULL);
    CHECK_EQ(count, 2048);
    for (unsigned i = 0; i < count; ++i) {
        const KnITimer setting{{0, 0}, {0, static_cast<long>(1 + i * 7919 % 2048) * 1000}};
        CHECK_EQ(timerSet(K_MYACTOR, all[i], 0, &setting, nullptr), K_OK);
    }
    unsigned told = 0;
    while (told < count && take(5 * second, other_pool).result == K_OK) {
        ++told;
    }
    CHECK_EQ(told, count);
    for (unsigned i = 0; i < count; ++i) {
        CHECK_EQ(timerDelete(K_MYACTOR, all[i]), K_OK);
    }
    CHECK_EQ(take(millisecond, other_pool).result, K_ETIMEOUT); // lets go of the last one
    KnSysStatistics after{};
    CHECK(
        eventually([&] { return sysStatistics(&after) == K_OK && after.slabObjects <= before.slabObjects; }));
}

const Case cases[] = {
    {"one_shot", one_shot},
    {"absolute", absolute},
    {"set_again_and_disarm", set_again_and_disarm},
    {"kept_without_a_thread", kept_without_a_thread},
    {"overruns_add_up", overruns_add_up},
    {"shortest_period", shortest_period},
    {"point_12_one_thread_per_timer", point_12_one_thread_per_timer},
    {"two_timers_two_threads", two_timers_two_threads},
    {"abort_of_waiters", abort_of_waiters},
    {"deletion_of_waiters", deletion_of_waiters},
    {"deletion_of_timers", deletion_of_timers},
    {"set_from_every_cpu", set_from_every_cpu},
    {"errors", errors},
    {"quota", quota},
};

} // namespace

const Suite timers_suite{"timers", cases};

} // namespace chorale::test
