// Timers on the machine's virtual time: what is told when, to the nanosecond; a hundred thousand at once.
#include "kernel/time/event_timer.hpp"
#include "tests/machine/attempt.hpp"
#include "tests/machine/stage.hpp"
#include "tests/machine/world.hpp"

#include <machine/timer.hpp>

namespace chorale::test {

namespace {

using namespace host;

constexpr u64 pool_at = free_data.raw();

void expect_clean(const Program& scenario) {
    for (const std::string& finding : run_once(scenario, plain_chooser())) ADD_FAILURE() << finding;
    for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
}

[[nodiscard]] KnTimeVal time_of(u64 nanoseconds) {
    return {static_cast<long>(nanoseconds / 1'000'000'000), static_cast<long>(nanoseconds % 1'000'000'000)};
}

[[nodiscard]] Task<long> create(u64 cookie) {
    Local<int> li;
    const long result = co_await attempt(Call::timerCreate, 0, K_CLOCK_REALTIME, pool_at, cookie, li.at());
    co_return result == K_OK ? co_await li.get() : result;
}

struct Old {
    long result;
    u64 left, reload;
};
[[nodiscard]] Task<Old> set(long li, u64 value, u64 reload = 0, int flags = 0) {
    Local<KnITimer> setting, old;
    co_await setting.set({time_of(reload), time_of(value)});
    const long result = co_await attempt(Call::timerSet, 0, li, flags, setting.at(), old.at());
    const KnITimer was = co_await old.get();
    const auto whole = [](const KnTimeVal& time) {
        return static_cast<u64>(time.tmSec) * 1'000'000'000 + static_cast<u64>(time.tmNSec);
    };
    co_return Old{result, whole(was.ITmValue), whole(was.ITmReload)};
}

struct Told {
    long result;
    u64 cookie;
    int overrun;
};
[[nodiscard]] Task<Told> take(u64 limit) {
    Local<uintptr_t> cookie;
    Local<int> overrun;
    Local<KnTimeVal> time;
    co_await time.set(time_of(limit));
    const long result =
        co_await attempt(Call::timerThreadPoolWait, pool_at, cookie.at(), overrun.at(), time.at());
    co_return Told{result, co_await cookie.get(), co_await overrun.get()};
}

[[nodiscard]] Task<void> in_actor(Task<void> (*body)()) {
    const auto stage = std::make_shared<Stage>();
    co_await stage->play(co_await stage->actor(), [body](u64) { return body(); }, {.stack = 1});
    co_await stage->end();
}

// Between two calls the clock stands still unless somebody waits, so sums can be exact.
[[nodiscard]] Task<void> exact_overruns() {
    EXPECT_EQ(co_await attempt(Call::timerThreadPoolInit, pool_at), K_OK);
    const long li = co_await create(11);
    EXPECT_GE(li, 0);
    constexpr u64 period = 10'000;
    const u64 start = machine::now() + period;
    EXPECT_EQ((co_await set(li, start, period, K_TIMER_ABSOLUTE)).result, K_OK);
    u64 told = 0;
    for (const u64 pause : {0u, 35'000u, 10'000u, 9'999u, 1u, 250'000u}) {
        if (pause != 0) co_await rest(pause);
        const Told one = co_await take(10 * period);
        EXPECT_EQ(one.result, K_OK);
        EXPECT_EQ(one.cookie, 11u);
        told += 1 + static_cast<u64>(one.overrun);
        EXPECT_EQ(told, (machine::now() - start) / period + 1);
    }
    const u64 before = machine::now();
    const Old old = co_await set(li, 0);
    EXPECT_EQ(old.reload, period);
    EXPECT_LE(old.left, period - (before - start) % period);
    EXPECT_GE(old.left + (machine::now() - before), period - (before - start) % period);
}

TEST(Timers, OverrunsAreExact) {
    expect_clean([](u64) { return in_actor(exact_overruns); });
}

[[nodiscard]] Task<void> exact_times() {
    static_cast<void>(co_await attempt(Call::timerThreadPoolInit, pool_at));
    const long li = co_await create(1);
    for (const u64 value : {1u, 999u, 1'000u, 123'457u}) {
        const u64 begin = machine::now();
        static_cast<void>(co_await set(li, value));
        EXPECT_EQ((co_await take(1'000'000)).result, K_OK);
        EXPECT_GE(machine::now() - begin, value);
        EXPECT_LE(machine::now() - begin, value + 5'000); // what the way of an interrupt takes
    }
    static_cast<void>(co_await set(li, 5'000'000, 7));
    const u64 begin = machine::now();
    co_await rest(1'000'000);
    const Old old = co_await set(li, 100'000'000'000, 0);
    EXPECT_LE(old.left, 4'000'000u);
    EXPECT_GE(old.left + (machine::now() - begin), 5'000'000u);
    EXPECT_EQ(old.reload, 7u);
    EXPECT_EQ((co_await take(1'000)).result, K_ETIMEOUT);
}

TEST(Timers, ExpireAtTheirTime) {
    expect_clean([](u64) { return in_actor(exact_times); });
}

// ---- a hundred thousand --------------------------------------------------------------------------

constexpr unsigned per_actor = ActorTimers::timer_limit, actors_of_many = 49; // 100,352 together
u64 told_in_all;

[[nodiscard]] Task<void> arm_all() {
    if (co_await attempt(Call::timerThreadPoolInit, pool_at) != K_OK) co_return;
    const u64 start = machine::now() + 40'000'000;
    for (unsigned i = 0; i < per_actor; ++i) {
        const long li = co_await create(i);
        EXPECT_EQ(li, static_cast<long>(i));
        const u64 when = start + u64{i} * 7'919 % per_actor * 1'000;
        EXPECT_EQ((co_await set(li, when, 0, K_TIMER_ABSOLUTE)).result, K_OK);
    }
    EXPECT_EQ(co_await create(0), K_EFULL);
    // Every second one is cancelled, the others come in order.
    for (unsigned i = 0; i < per_actor; i += 2) static_cast<void>(co_await set(static_cast<long>(i), 0));
    for (unsigned i = 0; i < per_actor / 2; ++i) {
        const Told one = co_await take(10'000'000'000);
        EXPECT_EQ(one.result, K_OK);
        EXPECT_EQ(one.cookie % 2, 1u);
        told_in_all += one.result == K_OK ? 1 : 0;
    }
}

[[nodiscard]] Task<void> many() {
    const auto stage = std::make_shared<Stage>();
    told_in_all = 0;
    for (unsigned i = 0; i < actors_of_many; ++i)
        co_await stage->play(co_await stage->actor(), [](u64) { return arm_all(); },
                             {.cpu = i % 4, .stack = 1});
    // The stage alone would not wait that long.
    for (int i = 0; i < 10'000 && told_in_all < u64{actors_of_many} * per_actor / 2; ++i)
        co_await rest(millisecond);
    co_await stage->end();
}

TEST(Timers, AHundredThousand) {
    expect_clean([](u64) { return many(); });
    EXPECT_EQ(told_in_all, u64{actors_of_many} * per_actor / 2);
}

} // namespace

} // namespace chorale::test
