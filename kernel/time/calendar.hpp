// From the calendar of a battery clock to seconds since 1970.
#pragma once

#include "kernel/base/types.hpp"

#include <optional>

namespace chorale {

struct CalendarTime {
    unsigned year, month, day, hour, minute, second; // month and day from 1
};

// Nothing when there is no such time, or one before 1970. Gregorian; a leap second is the next second.
[[nodiscard]] constexpr std::optional<u64> seconds_since_1970(const CalendarTime& time) {
    constexpr unsigned first_year = 1970, last_year = 2399;
    if (time.year < first_year || time.year > last_year || time.month < 1 || time.month > 12 ||
        time.day < 1 || time.day > 31 || time.hour > 23 || time.minute > 59 || time.second > 60)
        return {};
    // Years that begin in March: the leap day is their last, and the months before a month have a formula.
    const u64 year = time.month <= 2 ? time.year - 1 : time.year;
    const u64 month = (time.month + 9) % 12;
    const u64 days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + time.day - 1;
    constexpr u64 days_to_1970 = 719'468; // from 1 March of the year 0
    return (days - days_to_1970) * 86'400 + time.hour * 3'600 + time.minute * 60 + time.second;
}

} // namespace chorale
