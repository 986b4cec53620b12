// Between nanoseconds, in which the nucleus counts, and the seconds and nanoseconds of KnTimeVal.
#pragma once

#include "kernel/base/types.hpp"

#include <limits>

namespace chorale {

using i64 = std::int64_t;

inline constexpr u64 nanoseconds_per_second = 1'000'000'000;
inline constexpr u64 longest_interval = u64{1} << 62; // some 146 years: nobody sees the end of a longer one

[[nodiscard]] constexpr KnTimeVal time_value(u64 nanoseconds) {
    return {static_cast<long>(nanoseconds / nanoseconds_per_second),
            static_cast<long>(nanoseconds % nanoseconds_per_second)};
}

// Both parts have the sign of the whole.
[[nodiscard]] constexpr KnTimeVal time_difference(i64 nanoseconds) {
    const auto [seconds, rest] =
        time_value(nanoseconds < 0 ? -static_cast<u64>(nanoseconds) : static_cast<u64>(nanoseconds));
    return nanoseconds < 0 ? KnTimeVal{-seconds, -rest} : KnTimeVal{seconds, rest};
}

// An interval or a time since boot; longer ones are cut to longest_interval. Error: invalid.
[[nodiscard]] constexpr Result<u64> nanoseconds_of(const KnTimeVal& value) {
    const auto [seconds, rest] = value;
    if (seconds < 0 || rest < 0 || static_cast<u64>(rest) >= nanoseconds_per_second) return Status::invalid;
    if (static_cast<u64>(seconds) >= longest_interval / nanoseconds_per_second) return longest_interval;
    return static_cast<u64>(seconds) * nanoseconds_per_second + static_cast<u64>(rest);
}

// A difference of either sign; the parts may have different ones. Error: invalid, also when it is too large.
[[nodiscard]] constexpr Result<i64> difference_of(const KnTimeVal& value) {
    constexpr auto second = static_cast<long>(nanoseconds_per_second);
    constexpr auto most = static_cast<long>(longest_interval / nanoseconds_per_second) - 1;
    const auto [seconds, rest] = value;
    if (rest <= -second || rest >= second || seconds < -most || seconds > most) return Status::invalid;
    return i64{seconds} * second + rest;
}

} // namespace chorale
