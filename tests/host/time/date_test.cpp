// The date against exact arithmetic, the calendar against known days, and time values at their limits.
#include "kernel/time/calendar.hpp"
#include "kernel/time/date.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

namespace chorale {
namespace {

constexpr u64 second = nanoseconds_per_second;

TEST(Date, NoneUntilSet) {
    Date date;
    EXPECT_FALSE(date.at(5).has_value());
    EXPECT_EQ(date.adjust(5, 100), Status::invalid);
    EXPECT_EQ(date.adjustment_left(5), 0);
    date.set(10, 1000);
    EXPECT_EQ(date.at(10), 1000u);
    EXPECT_EQ(date.at(25), 1015u);
}

// Also one before the boot: the offset is negative.
TEST(Date, MayBeEarlierThanTheSystemTime) {
    Date date;
    date.set(10 * second, 3);
    EXPECT_EQ(date.at(11 * second), second + 3);
}

TEST(Date, RunsFasterOrSlowerUntilMadeUp) {
    for (const i64 difference : {1'000, -1'000}) {
        Date date;
        date.set(0, second);
        ASSERT_EQ(date.adjust(100, difference), Status::ok);
        EXPECT_EQ(date.adjustment_left(100), difference);
        u64 last = 0;
        for (u64 now = 100; now < 100 + 1'100 * Date::slew_divisor; now += 777) {
            const u64 steps = std::min<u64>((now - 100) / Date::slew_divisor, 1'000);
            const u64 expected = second + now + (difference < 0 ? 0 - steps : steps);
            ASSERT_EQ(date.at(now), expected);
            ASSERT_GT(expected, last);
            last = expected;
        }
        EXPECT_EQ(date.adjustment_left(100 + 500 * Date::slew_divisor), difference / 2);
        EXPECT_EQ(date.adjustment_left(100 + 1'000 * Date::slew_divisor), 0);
    }
}

TEST(Date, ANewAdjustmentKeepsWhatTheOldOneMadeUp) {
    Date date;
    date.set(0, 0);
    ASSERT_EQ(date.adjust(0, 1'000), Status::ok);
    const u64 halfway = 500 * Date::slew_divisor;
    ASSERT_EQ(date.adjust(halfway, -200), Status::ok);
    EXPECT_EQ(date.at(halfway), halfway + 500);
    EXPECT_EQ(date.at(2 * halfway), 2 * halfway + 300);
    date.set(2 * halfway, 7);
    EXPECT_EQ(date.adjustment_left(2 * halfway), 0);
    EXPECT_EQ(date.at(2 * halfway + 1), 8u);
}

// A CPU that read the time just before another began an adjustment.
TEST(Date, ATimeBeforeTheAdjustment) {
    Date date;
    date.set(0, 0);
    ASSERT_EQ(date.adjust(1'000'000, -500), Status::ok);
    EXPECT_EQ(date.at(999'000), 999'000u);
}

// Whoever reads while it is set sees one date or the other: the offset of one with the adjustment of the
// other would be seen at once.
TEST(Date, ReadersSeeNoMixture) {
    Date date;
    date.set(0, 0);
    std::atomic<bool> stop{false};
    std::thread writer{[&] {
        for (u64 i = 0; !stop; ++i) {
            date.set(0, i % 2 == 0 ? 0 : 1'000'000);
            static_cast<void>(date.adjust(0, i % 2 == 0 ? 1'000 : 500));
            date.set(0, i % 2 == 0 ? 1'000'000 : 0);
        }
    }};
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{200};
    const u64 later = 10'000 * Date::slew_divisor;
    while (std::chrono::steady_clock::now() < end) {
        const u64 seen = date.at(later).value_or(1) - later;
        ASSERT_TRUE(seen == 0 || seen == 1'000'000 || seen == 1'000 || seen == 1'000'500) << seen;
    }
    stop = true;
    writer.join();
}

TEST(Calendar, KnownDays) {
    EXPECT_EQ(seconds_since_1970({1970, 1, 1, 0, 0, 0}), 0u);
    EXPECT_EQ(seconds_since_1970({1999, 12, 31, 23, 59, 59}), 946'684'799u);
    EXPECT_EQ(seconds_since_1970({2000, 2, 29, 0, 0, 0}), 951'782'400u);
    EXPECT_EQ(seconds_since_1970({2000, 3, 1, 0, 0, 0}), 951'868'800u);
    EXPECT_EQ(seconds_since_1970({2001, 9, 9, 1, 46, 40}), 1'000'000'000u);
    EXPECT_EQ(seconds_since_1970({2100, 3, 1, 0, 0, 0}), 4'107'542'400u); // 2100 is no leap year
}

// Day by day through the longest cycle.
TEST(Calendar, EveryDayIsTheNextOne) {
    constexpr std::array<unsigned, 12> lengths{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    u64 expected = 0;
    for (unsigned year = 1970; year < 2399; ++year) {
        const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (unsigned month = 1; month <= 12; ++month) {
            const unsigned length = lengths.at(month - 1) + (leap && month == 2 ? 1 : 0);
            for (unsigned day = 1; day <= length; ++day, expected += 86'400)
                ASSERT_EQ(seconds_since_1970({year, month, day, 0, 0, 0}), expected)
                    << year << '-' << month << '-' << day;
        }
    }
}

TEST(Calendar, WhatIsNoTime) {
    for (const CalendarTime& bad : {CalendarTime{1969, 12, 31, 0, 0, 0}, CalendarTime{2000, 0, 1, 0, 0, 0},
                                    CalendarTime{2000, 13, 1, 0, 0, 0}, CalendarTime{2000, 1, 0, 0, 0, 0},
                                    CalendarTime{2000, 1, 32, 0, 0, 0}, CalendarTime{2000, 1, 1, 24, 0, 0},
                                    CalendarTime{2000, 1, 1, 0, 60, 0}, CalendarTime{2000, 1, 1, 0, 0, 61},
                                    CalendarTime{16'665, 165, 165, 165, 165, 165}}) { // all bits set, as BCD
        EXPECT_FALSE(seconds_since_1970(bad).has_value());
    }
}

TEST(TimeValue, ThereAndBack) {
    for (const u64 value : {u64{0}, u64{1}, second - 1, second, 3 * second + 5, longest_interval / 2}) {
        const KnTimeVal time = time_value(value);
        EXPECT_LT(time.tmNSec, 1'000'000'000);
        EXPECT_EQ(nanoseconds_of(time).value(), value);
        const KnTimeVal back = time_difference(-static_cast<i64>(value));
        EXPECT_LE(back.tmSec, 0);
        EXPECT_LE(back.tmNSec, 0);
        EXPECT_EQ(difference_of(back).value(), -static_cast<i64>(value));
    }
    EXPECT_EQ(difference_of({-2, 500'000'000}).value(), -1'500'000'000);
    EXPECT_EQ(nanoseconds_of({std::numeric_limits<long>::max(), 999'999'999}).value(), longest_interval);
}

} // namespace
} // namespace chorale
