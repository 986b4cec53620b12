// Timers that belong to one actor and tell the threads of another, pools at their limits, and the ends of all
// of them.
#include "kernel/core/actor.hpp"
#include "kernel/time/event_timer.hpp"
#include "kernel/time/time_value.hpp"
#include "tests/machine/solo.hpp"

#include <machine/timer.hpp>

#include <limits>

namespace chorale::test {

namespace {

using namespace host;

constexpr KnCap stranger{{u64{5} << 51 | u64{1} << 47, 3}, 4};
constexpr u64 at_once = 1;

[[nodiscard]] constexpr VirtAddr pool_at(unsigned i) { return free_data + i * sizeof(KnThreadPool); }

// A timer of `actor` that tells a pool of the caller's.
[[nodiscard]] Task<long> create(KnCap actor, VirtAddr pool, u64 cookie = 0) {
    Named owner;
    Local<int> li;
    co_await owner.set(actor);
    const long result =
        co_await attempt(Call::timerCreate, owner.at(), K_CLOCK_REALTIME, pool, cookie, li.at());
    co_return result == K_OK ? co_await li.get() : result;
}

[[nodiscard]] Task<long> set(KnCap actor, long li, u64 value, u64 reload = 0) {
    Named owner;
    Local<KnITimer> setting;
    co_await owner.set(actor);
    co_await setting.set({time_value(reload), time_value(value)});
    co_return co_await attempt(Call::timerSet, owner.at(), li, 0, setting.at(), 0);
}

struct Told {
    long result;
    u64 cookie;
    int overrun;
};
[[nodiscard]] Task<Told> wait(VirtAddr pool, u64 limit, long flags = 0) {
    Local<uintptr_t> cookie;
    Local<int> overrun;
    Local<KnTimeVal> time;
    co_await time.set({time_value(limit).tmSec, time_value(limit).tmNSec | flags});
    const long result =
        co_await attempt(Call::timerThreadPoolWait, pool, cookie.at(), overrun.at(), time.at());
    co_return Told{result, co_await cookie.get(), co_await overrun.get()};
}

// ---- arguments -------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> all_pools() {
    std::set<u64> keys;
    for (unsigned i = 0; i < ActorTimers::pool_limit; ++i) {
        EXPECT_EQ(co_await attempt(Call::timerThreadPoolInit, pool_at(i)), K_OK);
        EXPECT_TRUE(keys.insert((co_await load<KnThreadPool>(pool_at(i))).tpKey).second);
    }
    EXPECT_EQ(co_await attempt(Call::timerThreadPoolInit, pool_at(ActorTimers::pool_limit)), K_EFULL);
    EXPECT_EQ(co_await attempt(Call::timerThreadPoolInit, nowhere), K_EFAULT);
    // Whoever initialises the same place again has the same pool.
    const auto before = co_await load<KnThreadPool>(pool_at(2));
    EXPECT_EQ(co_await attempt(Call::timerThreadPoolInit, pool_at(2)), K_OK);
    EXPECT_EQ((co_await load<KnThreadPool>(pool_at(2))).tpKey, before.tpKey);

    const long li = co_await create(nobody, pool_at(0), 5);
    for (const KnThreadPool& wrong :
         {KnThreadPool{before.tpKey, ActorTimers::pool_limit, {}}, KnThreadPool{before.tpKey + 1, 2, {}},
          KnThreadPool{before.tpKey, 3, {}}}) {
        co_await store(pool_at(40), wrong);
        EXPECT_EQ(co_await create(nobody, pool_at(40)), K_EINVAL);
        EXPECT_EQ((co_await wait(pool_at(40), 0)).result, K_EINVAL);
    }
    EXPECT_EQ(co_await create(nobody, nowhere), K_EFAULT);
    EXPECT_EQ(co_await create(stranger, pool_at(0)), K_EUNKNOWN);
    Local<int> place;
    EXPECT_EQ(co_await attempt(Call::timerCreate, 0, K_CLOCK_REALTIME + 1, pool_at(0), 0, place.at()),
              K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::timerCreate, 0, K_CLOCK_REALTIME, pool_at(0), 0, nowhere), K_EFAULT);
    const VirtAddr good = pool_at(50), none{0};
    EXPECT_EQ(co_await attempt(Call::timerThreadPoolWait, nowhere, good, good, 0), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::timerThreadPoolWait, pool_at(0), nowhere, good, 0), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::timerThreadPoolWait, pool_at(0), good, nowhere, 0), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::timerThreadPoolWait, pool_at(0), good, good, nowhere), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::timerGetRes, K_CLOCK_REALTIME, nowhere), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::timerGetRes, K_CLOCK_REALTIME + 1, good), K_EINVAL);

    co_await store(good, KnITimer{{0, 7}, {100, 0}});
    const VirtAddr old = pool_at(60);
    EXPECT_EQ(co_await attempt(Call::timerSet, 0, li, 0, good, old), K_OK);
    for (const KnITimer& wrong : {KnITimer{{0, 1'000'000'000}, {1, 0}}, KnITimer{{1, 0}, {-1, 0}}}) {
        co_await store(good, wrong);
        EXPECT_EQ(co_await attempt(Call::timerSet, 0, li, 0, good, old), K_EINVAL);
    }
    co_await store(good, KnITimer{});
    EXPECT_EQ(co_await attempt(Call::timerSet, 0, li, K_TIMER_ABSOLUTE << 1, good, old), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::timerSet, 0, li, 0, nowhere, old), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::timerSet, 0, li, 0, good, nowhere), K_EFAULT);
    for (const long wrong : {-1L, li + 1, long{ActorTimers::timer_limit}}) {
        EXPECT_EQ(co_await attempt(Call::timerSet, 0, wrong, 0, good, old), K_EINVAL);
        EXPECT_EQ(co_await attempt(Call::timerDelete, 0, wrong), K_EINVAL);
    }
    EXPECT_EQ(co_await set(stranger, li, at_once), K_EUNKNOWN);
    // None of that has changed it; to look changes nothing either.
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(co_await attempt(Call::timerSet, 0, li, 0, none, old), K_OK);
        const auto now = co_await load<KnITimer>(old);
        EXPECT_EQ(now.ITmReload.tmNSec, 7);
        EXPECT_GE(now.ITmValue.tmSec, 99);
    }
    EXPECT_EQ(co_await attempt(Call::timerDelete, 0, li), K_OK);
}

// ---- one thread ------------------------------------------------------------------------------------------

// The overrun of a timer that is faster than an int can count; what is told is counted once.
[[nodiscard]] Task<void> overruns_beyond_count() {
    static_cast<void>(co_await attempt(Call::timerThreadPoolInit, pool_at(0)));
    const long li = co_await create(nobody, pool_at(0), 9);
    EXPECT_EQ(co_await set(nobody, li, at_once, 1), K_OK);
    co_await rest(3 * nanoseconds_per_second);
    const Told first = co_await wait(pool_at(0), 0);
    EXPECT_EQ(first.result, K_OK);
    EXPECT_EQ(first.overrun, std::numeric_limits<int>::max());
    const Told second = co_await wait(pool_at(0), 1000);
    EXPECT_EQ(second.result, K_OK);
    EXPECT_LT(second.overrun, 100'000);
    EXPECT_EQ(co_await attempt(Call::timerDelete, 0, li), K_OK);
    EXPECT_EQ((co_await wait(pool_at(0), 1000)).result, K_ETIMEOUT);
}

// An abort that came before ends a wait that may be aborted, and no look.
[[nodiscard]] Task<void> aborted_before() {
    static_cast<void>(co_await attempt(Call::timerThreadPoolInit, pool_at(0)));
    const long li = co_await create(nobody, pool_at(0), 3);
    const auto abort_itself = [] { return attempt(Call::threadAbort, 0, K_MYSELF); };
    EXPECT_EQ(co_await abort_itself(), K_OK);
    EXPECT_EQ((co_await wait(pool_at(0), 0)).result, K_ETIMEOUT);
    EXPECT_EQ((co_await wait(pool_at(0), 1000, K_NOABORT)).result, K_ETIMEOUT);
    EXPECT_EQ((co_await wait(pool_at(0), millisecond)).result, K_EABORT);
    EXPECT_EQ((co_await wait(pool_at(0), 1000)).result, K_ETIMEOUT); // used up
    // What has expired is told before.
    EXPECT_EQ(co_await set(nobody, li, at_once), K_OK);
    co_await rest(millisecond);
    EXPECT_EQ(co_await abort_itself(), K_OK);
    EXPECT_EQ((co_await wait(pool_at(0), millisecond)).cookie, 3u);
    EXPECT_EQ(co_await attempt(Call::threadAborted), 1);
}

// ---- pools that go before their timers -------------------------------------------------------------------

constexpr unsigned many = 40; // more than a step of the end of an actor

struct Strangers {
    KnCap timers{}, pools{}; // whose they are
    std::vector<long> li;
    unsigned told{};
};
using StrangersPointer = std::shared_ptr<Strangers>;

// The timers expire, and nobody waits for them.
[[nodiscard]] Task<void> leave_pending(StrangersPointer all) {
    static_cast<void>(co_await attempt(Call::timerThreadPoolInit, pool_at(0)));
    for (unsigned i = 0; i < many; ++i) {
        all->li.push_back(co_await create(all->timers, pool_at(0), i));
        const bool later = i % 4 == 3;
        EXPECT_EQ(
            co_await set(all->timers, all->li.back(), later ? 5 * millisecond : at_once, later ? 9'000 : 0),
            K_OK);
    }
    co_await rest(millisecond);
    EXPECT_EQ((co_await wait(pool_at(0), 0)).cookie, 0u); // the first one is this thread's when it ends
}

// They are there still, and tell nobody any more, whatever is made in the place of their pool.
[[nodiscard]] Task<void> see_them_silent(StrangersPointer all) {
    static_cast<void>(co_await attempt(Call::timerThreadPoolInit, pool_at(0)));
    co_await rest(8 * millisecond);
    for (const long li : all->li) EXPECT_EQ(co_await set(nobody, li, at_once, 20'000), K_OK);
    EXPECT_EQ((co_await wait(pool_at(0), millisecond)).result, K_ETIMEOUT);
    for (const long li : all->li) EXPECT_EQ(co_await attempt(Call::timerDelete, 0, li), K_OK);
}

[[nodiscard]] Task<void> pools_go_first() {
    const auto stage = std::make_shared<Stage>();
    const auto all = std::make_shared<Strangers>();
    all->timers = co_await stage->actor();
    all->pools = co_await stage->actor();
    co_await stage->play(all->pools, [all](u64) { return leave_pending(all); }, {.cpu = 1, .stack = 1});
    co_await rest(4 * millisecond);
    co_await remove_actor(all->pools);
    co_await stage->play(all->timers, [all](u64) { return see_them_silent(all); }, {.cpu = 2, .stack = 1});
    co_await stage->end();
}

// ---- all at once -----------------------------------------------------------------------------------------

[[nodiscard]] Task<void> handle(StrangersPointer all) {
    for (;;) {
        const Told one = co_await wait(pool_at(0), 30'000);
        if (one.result == K_OK) ++all->told;
        if (one.result != K_OK && one.result != K_ETIMEOUT) co_return;
    }
}

[[nodiscard]] Task<void> make_strangers(StagePointer stage, StrangersPointer all) {
    static_cast<void>(co_await attempt(Call::timerThreadPoolInit, pool_at(0)));
    for (const CpuIndex cpu : {0u, 1u, 2u, 3u})
        co_await stage->serve(all->pools, [all](u64) { return handle(all); }, {cpu, 90, 2 + cpu});
    for (unsigned i = 0; i < 8; ++i) {
        all->li.push_back(co_await create(all->timers, pool_at(0), i));
        EXPECT_EQ(co_await set(all->timers, all->li.back(), 2'000 + i * 300, 3'000 + i * 500), K_OK);
    }
}

// Into an actor that is on its way out: until it is not found any more.
[[nodiscard]] Task<void> make_more(StrangersPointer all) {
    static_cast<void>(co_await attempt(Call::timerThreadPoolInit, pool_at(0)));
    for (long result = 0; result != K_EUNKNOWN;) {
        result = co_await create(all->pools, pool_at(0));
        EXPECT_TRUE(result >= 0 || result == K_EUNKNOWN || result == K_EFULL) << result;
    }
}

// Threads that wait, and timers that are on their way to them, go at any moment.
[[nodiscard]] Task<void> end_amid(StrangersPointer all) {
    const auto stage = std::make_shared<Stage>();
    all->timers = co_await stage->actor();
    all->pools = co_await stage->actor();
    co_await stage->play(all->pools, [=](u64) { return make_strangers(stage, all); }, {.cpu = 1, .stack = 1});
    const KnCap other = co_await stage->actor();
    co_await stage->play(other, [all](u64) { return make_more(all); }, {.cpu = 3, .stack = 1});
    co_await rest(70'000);
    for (const long thread : {2L, 3L, 4L}) {
        static_cast<void>(co_await bind(all->pools, thread, static_cast<CpuIndex>(thread) % 3));
        static_cast<void>(co_await on_thread(Call::threadAbort, all->pools, thread));
        static_cast<void>(co_await on_thread(Call::threadDelete, all->pools, thread));
    }
    co_await remove_actor(all->pools);
    co_await rest(30'000);
    co_await stage->end();
}

} // namespace

TEST(TimerPools, All) { expect_clean(all_pools); }
TEST(TimerPools, OverrunsBeyondCount) { expect_clean(overruns_beyond_count); }
TEST(TimerPools, AbortedBefore) { expect_clean(aborted_before, 2); }
TEST(TimerPools, GoBeforeTheirTimers) {
    expect_clean([](u64) { return pools_go_first(); });
}
TEST(TimerPools, EndAmidExpirations) {
    unsigned told = 0;
    for (u64 seed = 1; seed <= 8; ++seed) {
        const auto all = std::make_shared<Strangers>();
        Random random{seed};
        expect_clean([all](u64) { return end_amid(all); }, random);
        told += all->told;
    }
    EXPECT_GT(told, 40u);
}

} // namespace chorale::test
