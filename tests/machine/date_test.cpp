// The date in virtual time: unknown at first, or the calendar's; set and adjusted by those who may.
#include "kernel/time/date.hpp"

#include "arch/host/engine.hpp"
#include "tests/machine/child.hpp"
#include "tests/machine/solo.hpp"

#include <machine/timer.hpp>

namespace chorale::test {

namespace {

using namespace host;
using testing::ExitedWithCode;

constexpr long slack = 20'000; // what a few calls take
constexpr long second = nanoseconds_per_second;

// Of the parts of either sign.
[[nodiscard]] long whole(const KnTimeVal& time) { return time.tmSec * second + time.tmNSec; }

void expect_near(long value, long expected) {
    EXPECT_LE(value, expected + slack);
    EXPECT_GE(value, expected - slack);
}

[[nodiscard]] Task<KnTimeVal> date_now() {
    Local<KnTimeVal> time;
    EXPECT_EQ(co_await attempt(Call::univTime, time.at()), K_OK);
    co_return co_await time.get();
}

struct Old {
    long result;
    KnTimeVal value;
};
// univTimeSet or univTimeAdjust.
[[nodiscard]] Task<Old> change(Call call, KnTimeVal wanted) {
    Local<KnTimeVal> old, time;
    co_await old.set({7, 7});
    co_await time.set(wanted);
    const long result = co_await attempt(call, old.at(), time.at());
    co_return Old{result, co_await old.get()};
}

[[nodiscard]] Task<Old> look(Call call) {
    Local<KnTimeVal> old;
    const long result = co_await attempt(call, old.at(), 0);
    co_return Old{result, co_await old.get()};
}

[[nodiscard]] Task<void> arguments_of(Call call) {
    Local<KnTimeVal> time;
    co_await time.set({1'000, 0});
    EXPECT_EQ(co_await attempt(call, 0, 0), K_OK); // nothing asked, nothing done
    EXPECT_EQ(co_await attempt(call, nowhere, 0), K_EFAULT);
    EXPECT_EQ(co_await attempt(call, 0, nowhere), K_EFAULT);
    EXPECT_EQ(co_await attempt(call, nowhere, time.at()), K_EFAULT);
    for (const KnTimeVal wrong : {KnTimeVal{5, second}, KnTimeVal{5, -second}, KnTimeVal{1L << 40, 0}})
        EXPECT_EQ((co_await change(call, wrong)).result, K_EINVAL);
}

[[nodiscard]] Task<void> resolutions() {
    Local<KnTimeVal> time;
    Local<u64> frequency;
    for (const Call call : {Call::univTimeGetRes, Call::sysTimeGetRes}) {
        EXPECT_EQ(co_await attempt(call, time.at()), K_OK);
        EXPECT_EQ(whole(co_await time.get()), static_cast<long>(machine::clock_resolution()));
        EXPECT_EQ(co_await attempt(call, nowhere), K_EFAULT);
    }
    EXPECT_EQ(co_await attempt(Call::sysCounterFrequency, frequency.at()), K_OK);
    EXPECT_EQ(co_await frequency.get(), machine::counter_frequency());
    EXPECT_EQ(co_await attempt(Call::univTime, nowhere), K_EFAULT);
}

// Wrong arguments leave the date what it was.
[[nodiscard]] Task<void> nobody_has_set_it() {
    co_await resolutions();
    for (const Call call : {Call::univTimeSet, Call::univTimeAdjust}) co_await arguments_of(call);
    EXPECT_EQ((co_await date_now()).tmNSec, K_INVALID_NSEC);
    EXPECT_EQ((co_await look(Call::univTimeSet)).value.tmNSec, K_INVALID_NSEC);
    EXPECT_EQ((co_await change(Call::univTimeAdjust, {1, 0})).result, K_EINVAL); // what should it adjust?
    EXPECT_EQ(whole((co_await look(Call::univTimeAdjust)).value), 0);
}

[[nodiscard]] Task<void> set_and_adjust() {
    constexpr long date = 1'000'000'000;
    const Old before = co_await change(Call::univTimeSet, {date, 5});
    EXPECT_EQ(before.result, K_OK);
    EXPECT_EQ(before.value.tmNSec, K_INVALID_NSEC);
    expect_near(whole(co_await date_now()), date * second);
    co_await rest(10 * u64{second});
    expect_near(whole(co_await date_now()), (date + 10) * second);
    // Back, too; the old one is told.
    expect_near(whole((co_await change(Call::univTimeSet, {date, 0})).value), (date + 10) * second);
    expect_near(whole(co_await date_now()), date * second);

    // Slower by a two-thousandth, until 1.5 ms are made up: that takes 3 s.
    constexpr long divisor = Date::slew_divisor;
    EXPECT_EQ((co_await change(Call::univTimeAdjust, {0, -1'500'000})).result, K_OK);
    co_await rest(2 * u64{second});
    expect_near(whole((co_await look(Call::univTimeAdjust)).value), -1'500'000 + 2 * second / divisor);
    expect_near(whole(co_await date_now()), (date + 2) * second - 2 * second / divisor);
    co_await rest(8 * u64{second});
    EXPECT_EQ(whole((co_await look(Call::univTimeAdjust)).value), 0);
    expect_near(whole(co_await date_now()), (date + 10) * second - 1'500'000);
    // Faster; the parts may have different signs; what was made up stays when another one takes its place.
    EXPECT_EQ((co_await change(Call::univTimeAdjust, {1, -999'000'000})).result, K_OK);
    co_await rest(u64{second});
    expect_near(whole((co_await change(Call::univTimeAdjust, {-2, -5})).value), 1'000'000 - second / divisor);
    expect_near(whole(co_await date_now()), (date + 11) * second - 1'000'000);
    const Old left = co_await look(Call::univTimeAdjust);
    EXPECT_EQ(left.value.tmSec, -2); // both parts have the sign of the whole
    EXPECT_LT(left.value.tmNSec, 0);
    // Setting the date ends it.
    EXPECT_EQ((co_await change(Call::univTimeSet, {date, 0})).result, K_OK);
    EXPECT_EQ(whole((co_await look(Call::univTimeAdjust)).value), 0);
}

[[nodiscard]] Task<void> of_no_user() {
    const KnTimeVal before = co_await date_now();
    for (const Call call : {Call::univTimeSet, Call::univTimeAdjust}) {
        EXPECT_EQ((co_await change(call, {5, 5})).result, K_EPRIV);
        EXPECT_EQ((co_await look(call)).result, K_OK); // to look is everybody's
    }
    const KnTimeVal after = co_await date_now();
    EXPECT_EQ(before.tmNSec == K_INVALID_NSEC, after.tmNSec == K_INVALID_NSEC);
    if (after.tmNSec != K_INVALID_NSEC) expect_near(whole(after), whole(before));
}

[[nodiscard]] Task<void> whole_life() {
    const auto stage = std::make_shared<Stage>();
    const KnCap system = co_await stage->actor(false, K_SYSTEMACTOR), user = co_await stage->actor();
    unsigned stack = 0;
    for (Task<void> (*const part)() : {nobody_has_set_it, set_and_adjust}) {
        co_await stage->play(user, [](u64) { return of_no_user(); }, {.stack = ++stack});
        co_await stage->play(system, [part](u64) { return part(); }, {.cpu = stack, .stack = stack});
        co_await rest(60 * u64{second});
    }
    co_await stage->play(user, [](u64) { return of_no_user(); }, {.stack = ++stack});
    co_await stage->end();
}

// What the machine's calendar said at boot.
[[nodiscard]] Task<void> begins_with_calendar(u64 calendar) {
    expect_near(whole(co_await date_now()), static_cast<long>(calendar + engine().now()));
}

[[noreturn]] void boot_with_calendar(u64 calendar) {
    machine::set_calendar(calendar);
    play_in_child({}, [calendar](u64) { return begins_with_calendar(calendar); });
}

class Dates : public InChild {};

} // namespace

TEST_F(Dates, set_and_adjusted) {
    EXPECT_EXIT(play_in_child({}, [](u64) { return whole_life(); }), ExitedWithCode(0), "");
}

TEST_F(Dates, begin_with_the_calendar) {
    EXPECT_EXIT(boot_with_calendar(1'700'000'000'000'000'123), ExitedWithCode(0), "");
}

} // namespace chorale::test
