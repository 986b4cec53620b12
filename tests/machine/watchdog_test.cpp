// The watchdogs in virtual time: who may use them, when each stage is reached, and the end of the machine.
#include "kernel/time/watchdog.hpp"

#include "arch/host/engine.hpp"
#include "tests/machine/child.hpp"
#include "tests/machine/solo.hpp"

#include <machine/user_access.hpp>

#include <cstdio>

namespace chorale::test {

namespace {

using namespace host;
using testing::ExitedWithCode;

constexpr u64 second = nanoseconds_per_second;
constexpr u64 slack = 20 * microsecond; // the ways of an interrupt and of a call to the home

[[nodiscard]] u64 now() { return engine().now(); }

[[nodiscard]] Task<long> operate(unsigned operation, KnWatchdog& watchdog) {
    Local<KnWatchdog> place;
    co_await place.set(watchdog);
    const long result = co_await attempt(Call::sysWatchdog, operation, place.at());
    watchdog = co_await place.get();
    co_return result;
}

[[nodiscard]] Task<long> operate(unsigned operation, u64 handle) {
    KnWatchdog watchdog{handle, {}};
    co_return co_await operate(operation, watchdog);
}

[[nodiscard]] Task<long> set_interval(u64 handle, KnTimeVal interval) {
    KnWatchdog watchdog{handle, interval};
    co_return co_await operate(K_WATCHDOG_SET_INTERVAL, watchdog);
}
[[nodiscard]] Task<long> set_interval(u64 handle, u64 nanoseconds) {
    return set_interval(handle, time_value(nanoseconds));
}

[[nodiscard]] Task<u64> interval_of(u64 handle) {
    KnWatchdog watchdog{handle, {9, 9}};
    EXPECT_EQ(co_await operate(K_WATCHDOG_INTERVAL, watchdog), K_OK);
    EXPECT_EQ(watchdog.wdHandle, handle);
    co_return nanoseconds_of(watchdog.wdInterval).value();
}

// 0: none, and that was to be expected.
[[nodiscard]] Task<u64> allocate_one(long expected = K_OK) {
    KnWatchdog watchdog{7, {}};
    EXPECT_EQ(co_await operate(K_WATCHDOG_ALLOCATE, watchdog), expected);
    co_return expected == K_OK ? watchdog.wdHandle : 0;
}

[[nodiscard]] Task<u64> take_over(u64 handle) {
    KnWatchdog watchdog{handle, {}};
    EXPECT_EQ(co_await operate(K_WATCHDOG_TAKE_OVER, watchdog), K_OK);
    EXPECT_NE(watchdog.wdHandle, handle);
    co_return watchdog.wdHandle;
}

// One with that interval.
[[nodiscard]] Task<u64> allocate_with(u64 interval) {
    const u64 handle = co_await allocate_one();
    EXPECT_EQ(co_await set_interval(handle, interval), K_OK);
    co_return handle;
}

constexpr unsigned with_handle[] = {K_WATCHDOG_FREE,   K_WATCHDOG_ARM,         K_WATCHDOG_DISARM,
                                    K_WATCHDOG_PAT,    K_WATCHDOG_ARMED,       K_WATCHDOG_INTERVAL,
                                    K_WATCHDOG_LIMITS, K_WATCHDOG_SET_INTERVAL};

// ---- arguments -------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> intervals() {
    const u64 handle = co_await allocate_one();
    EXPECT_EQ(co_await interval_of(handle), 0u);
    EXPECT_EQ(co_await operate(K_WATCHDOG_ARM, handle), K_EINVAL); // no interval yet
    EXPECT_EQ(co_await operate(K_WATCHDOG_ARMED, handle), 0);
    KnWatchdog limits{handle, {}};
    EXPECT_EQ(co_await operate(K_WATCHDOG_LIMITS, limits), K_OK);
    EXPECT_EQ(limits.wdHandle, shortest_watchdog);
    EXPECT_EQ(nanoseconds_of(limits.wdInterval).value(), longest_watchdog);
    EXPECT_EQ(co_await set_interval(handle, longest_watchdog), K_OK);
    EXPECT_EQ(co_await interval_of(handle), longest_watchdog);
    for (const KnTimeVal wrong : {KnTimeVal{3600, 1}, KnTimeVal{0, 1'000'000'000}, KnTimeVal{-1, 0}})
        EXPECT_EQ(co_await set_interval(handle, wrong), K_EINVAL);
    EXPECT_EQ(co_await interval_of(handle), longest_watchdog);
    EXPECT_EQ(co_await set_interval(handle, 1), K_OK);
    EXPECT_EQ(co_await interval_of(handle), shortest_watchdog); // raised
    EXPECT_EQ(co_await operate(K_WATCHDOG_FREE, handle), K_OK);
    for (const u64 none : {handle, u64{0}, u64{1}, ~u64{0}}) {
        for (const unsigned operation : with_handle) EXPECT_EQ(co_await operate(operation, none), K_EINVAL);
        EXPECT_EQ(co_await operate(K_WATCHDOG_TAKE_OVER, none), K_EINVAL);
    }
    EXPECT_EQ(co_await operate(K_WATCHDOG_SHUTDOWN + 1, u64{0}), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::sysWatchdog, K_WATCHDOG_STARTED, VirtAddr{0x1000}), K_EFAULT);
}

// What could not be told is given back: all four are there afterwards.
[[nodiscard]] Task<void> all_of_them() {
    for (const u64 copies : {1u, 2u, 3u}) {
        machine::fail_user_copy_after(copies);
        static_cast<void>(co_await allocate_one(K_EFAULT));
        EXPECT_EQ(machine::user_copies_before_failure(), 0u);
    }
    std::array<u64, watchdog_limit> handles{};
    for (u64& handle : handles) handle = co_await allocate_one();
    static_cast<void>(co_await allocate_one(K_EFULL));
    for (const u64 handle : handles) EXPECT_EQ(co_await operate(K_WATCHDOG_FREE, handle), K_OK);
}

[[nodiscard]] Task<void> touch_of_others(u64 handle, long expected) {
    for (const unsigned operation : with_handle) EXPECT_EQ(co_await operate(operation, handle), expected);
}

[[nodiscard]] Task<void> leave_one(u64& handle) { handle = co_await allocate_with(second); }

[[nodiscard]] Task<void> take_and_free(u64 left) {
    const u64 handle = co_await take_over(left);
    EXPECT_EQ(co_await operate(K_WATCHDOG_PAT, left), K_EINVAL); // the old handle is none any more
    EXPECT_EQ(co_await interval_of(handle), second);
    EXPECT_EQ(co_await operate(K_WATCHDOG_ARMED, handle), 0);
    EXPECT_EQ(co_await operate(K_WATCHDOG_FREE, handle), K_OK);
}

// Each owner's thread is over when the next one begins; the first owner is gone when it is taken over.
[[nodiscard]] Task<void> three_owners() {
    u64 handle = 0;
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor(), other = co_await stage->actor(false, K_SYSTEMACTOR);
    co_await in_actor([&handle] { return leave_one(handle); }, 1);
    co_await stage->play(user, [&](u64) { return touch_of_others(handle, K_EPRIV); }, {.stack = 1});
    co_await stage->play(other, [&](u64) { return touch_of_others(handle, K_EPRIV); }, {.stack = 1});
    co_await rest(millisecond);
    co_await stage->play(other, [&](u64) { return take_and_free(handle); }, {.cpu = 3, .stack = 2});
    co_await stage->end();
}

// ---- the first stage -------------------------------------------------------------------------------------

std::vector<u64> told; // when

void remember() { told.push_back(now()); }

class Told {
  public:
    Told() {
        told.clear();
        set_watchdog_hook(remember);
    }
    Told(const Told&) = delete;
    Told& operator=(const Told&) = delete;
    ~Told() { set_watchdog_hook(nullptr); }
    // Once since the last look, at that time.
    static void expect_at(u64 time) {
        EXPECT_EQ(told.size(), 1u);
        if (told.empty()) return;
        EXPECT_GE(told.back(), time);
        EXPECT_LE(told.back(), time + slack);
        told.clear();
    }
};

[[nodiscard]] Task<void> first_stages() {
    const Told hook;
    const u64 handle = co_await allocate_with(100 * millisecond);
    EXPECT_EQ(co_await operate(K_WATCHDOG_PAT, handle), K_OK); // nothing: it is not armed
    EXPECT_EQ(co_await operate(K_WATCHDOG_ARMED, handle), 0);
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(co_await operate(i % 3 == 0 ? K_WATCHDOG_ARM : K_WATCHDOG_PAT, handle), K_OK);
        EXPECT_EQ(co_await operate(K_WATCHDOG_ARMED, handle), 1);
        co_await rest(99 * millisecond);
    }
    EXPECT_EQ(told.size(), 0u) << "it was patted in time";
    // The first stage; who comes back then has another two.
    for (const unsigned operation : {K_WATCHDOG_PAT, K_WATCHDOG_ARM}) {
        const u64 begun = now();
        EXPECT_EQ(co_await operate(operation, handle), K_OK);
        co_await rest(199 * millisecond);
        hook.expect_at(begun + 100 * millisecond);
    }
    // A shorter interval counts from the next pat on, whoever's.
    for (const u64 shorter : {50 * millisecond, 20 * millisecond}) {
        EXPECT_EQ(co_await operate(K_WATCHDOG_PAT, handle), K_OK);
        EXPECT_EQ(co_await set_interval(handle, shorter), K_OK);
        const u64 begun = now();
        EXPECT_EQ(co_await operate(K_WATCHDOG_PAT, handle), K_OK);
        co_await rest(shorter + shorter / 2);
        hook.expect_at(begun + shorter);
    }
    EXPECT_EQ(co_await set_interval(handle, 500 * millisecond), K_OK);
    EXPECT_EQ(co_await operate(K_WATCHDOG_PAT, handle), K_OK);
    EXPECT_EQ(co_await set_interval(handle, 10 * millisecond), K_OK);
    const u64 begun = now(), mine = co_await take_over(handle);
    EXPECT_EQ(co_await operate(K_WATCHDOG_ARMED, mine), 1);
    co_await rest(15 * millisecond);
    hook.expect_at(begun + 10 * millisecond);
    EXPECT_EQ(co_await operate(K_WATCHDOG_DISARM, mine), K_OK);
    co_await rest(second); // both stages would be over
    EXPECT_EQ(co_await operate(K_WATCHDOG_ARM, mine), K_OK);
    EXPECT_EQ(co_await operate(K_WATCHDOG_SHUTDOWN, u64{0}), K_EBUSY); // one is armed
    EXPECT_EQ(co_await operate(K_WATCHDOG_FREE, mine), K_OK);
    co_await rest(second);
    EXPECT_EQ(told.size(), 0u);
}

[[nodiscard]] Task<void> pat_often(const u64& handle) {
    for (int i = 0; i < 30; ++i) {
        EXPECT_EQ(co_await operate(K_WATCHDOG_PAT, handle), K_OK);
        EXPECT_EQ(co_await operate(K_WATCHDOG_ARM, handle), K_OK);
        if (i % 4 == 3) co_await rest(millisecond);
    }
}

// Four CPUs at once.
[[nodiscard]] Task<void> patted_by_all() {
    const Told hook;
    u64 handle = 0;
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(false, K_SYSTEMACTOR);
    const auto begin = [&handle](u64) -> Task<void> { handle = co_await allocate_with(10 * millisecond); };
    const auto end = [&handle](u64) -> Task<void> {
        EXPECT_EQ(co_await operate(K_WATCHDOG_FREE, handle), K_OK);
    };
    co_await stage->play(actor, begin, {.cpu = 1, .stack = 1});
    co_await rest(millisecond);
    for (const CpuIndex cpu : {0u, 1u, 2u, 3u})
        co_await stage->play(actor, [&handle](u64) { return pat_often(handle); }, {cpu, 100, 2 + cpu});
    co_await rest(15 * millisecond);
    EXPECT_EQ(told.size(), 0u);
    co_await stage->play(actor, end, {.cpu = 2, .stack = 1});
    co_await stage->end();
}

// ---- the second stage ------------------------------------------------------------------------------------

void say(const char* what) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", what);
}

// The owner is gone long before.
[[nodiscard]] Task<void> arm_and_go(u64 interval, CpuIndex cpu) {
    const auto arm = [interval]() -> Task<void> {
        EXPECT_EQ(co_await operate(K_WATCHDOG_ARM, co_await allocate_with(interval)), K_OK);
    };
    co_await in_actor(arm, cpu);
    co_await rest(2 * interval - 5 * millisecond); // some 2 ms have passed
    say("before the second stage");
    co_await rest(10 * millisecond);
    say("behind the second stage");
}

[[nodiscard]] Task<void> start_slowly(bool in_time) {
    co_await rest(1990 * millisecond);
    say("before the end");
    if (in_time) EXPECT_EQ(co_await operate(K_WATCHDOG_STARTED, u64{0}), K_OK);
    co_await rest(20 * millisecond);
    say("behind the end");
    co_await rest(4000 * second);
}

[[nodiscard]] Task<void> shut_down(long expected, u64 interval, CpuIndex cpu) {
    const auto begin = [expected]() -> Task<void> {
        EXPECT_EQ(co_await operate(K_WATCHDOG_SHUTDOWN, u64{0}), expected);
        EXPECT_EQ(co_await operate(K_WATCHDOG_SHUTDOWN, u64{0}), expected == K_OK ? K_EBUSY : expected);
    };
    const u64 begun = now();
    co_await in_actor(begin, cpu);
    co_await rest(begun + interval - millisecond - now());
    say("before the end");
    co_await rest(3 * millisecond);
    say("behind the end");
}

class WatchdogEnds : public InChild {};

} // namespace

TEST(Watchdogs, Intervals) {
    expect_clean(intervals);
    expect_clean(intervals, 2);
}

TEST(Watchdogs, AllOfThem) { expect_clean(all_of_them); }

TEST(Watchdogs, Owners) {
    expect_clean([](u64) { return three_owners(); });
}

TEST(Watchdogs, FirstStage) {
    expect_clean(first_stages);
    expect_clean(first_stages, 3); // not the alarms' CPU
}

TEST(Watchdogs, PattedByAll) {
    const Program scenario = [](u64) { return patted_by_all(); };
    expect_clean(scenario);
    Random random{3};
    expect_clean(scenario, random);
}

TEST_F(WatchdogEnds, second_stage) {
    for (const CpuIndex cpu : {0u, 2u})
        EXPECT_EXIT(play_in_child({}, [cpu](u64) { return arm_and_go(second / 2, cpu); }),
                    ExitedWithCode(machine_ended),
                    "watchdog: root has not been heard of for 500 ms.*before the second stage.*"
                    "watchdog: root is not coming back: restart\r?\n$");
}

TEST_F(WatchdogEnds, start) {
    EXPECT_EXIT(
        play_in_child({.command_line = "poll=off wdt.startup=2"}, [](u64) { return start_slowly(false); }),
        ExitedWithCode(machine_ended),
        "before the end.*watchdog: the start of the system is not coming back: restart\r?\n$");
    EXPECT_EXIT(
        play_in_child({.command_line = "poll=off wdt.startup=2"}, [](u64) { return start_slowly(true); }),
        ExitedWithCode(0), "behind the end");
    // No interval is none.
    for (const char* const wrong : {"0", "3601", "2s", "-5", "99999999999999999999999", ""})
        EXPECT_EXIT(play_in_child({.command_line = std::string{"poll=off wdt.startup="} + wrong},
                                  [](u64) { return start_slowly(false); }),
                    ExitedWithCode(0), "behind the end");
}

TEST_F(WatchdogEnds, shutdown) {
    const auto expect_end = [](const char* options, u64 interval, CpuIndex cpu) {
        EXPECT_EXIT(
            play_in_child({.command_line = options}, [=](u64) { return shut_down(K_OK, interval, cpu); }),
            ExitedWithCode(machine_ended),
            "before the end.*watchdog: the end of the system is not coming back: restart\r?\n$");
    };
    expect_end("poll=off", 60 * second, 0);
    expect_end("poll=off wdt.shutdown=2", 2 * second, 2);
    EXPECT_EXIT(play_in_child({.command_line = "poll=off wdt.shutdown=never"},
                              [](u64) { return shut_down(K_EINVAL, second, 1); }),
                ExitedWithCode(0), "behind the end");
}

} // namespace chorale::test
