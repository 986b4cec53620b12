// The date: Universal Time, kept as a distance from the system time. Reading it takes no lock.
//
// An adjustment is not a jump: the date runs faster or slower by one part in slew_divisor until the
// difference is made up, so it never goes backward, and needs no timer: what has been made up follows from
// the time.
#pragma once

#include "kernel/base/sequence_lock.hpp"
#include "kernel/time/time_value.hpp"

#include <optional>

namespace chorale {

class Date {
  public:
    static constexpr u64 slew_divisor = 2000; // 500 parts in a million, as adjtime() has always had it

    // All times are system times: nanoseconds since boot. Dates: nanoseconds since 1970-01-01.
    // The date at `now`; none as long as nobody has set one.
    [[nodiscard]] std::optional<u64> at(u64 now) const;

    // Ends an adjustment.
    void set(u64 now, u64 date);

    // What is left of an adjustment; and a new one in its place. Error: invalid when there is no date.
    [[nodiscard]] i64 adjustment_left(u64 now) const { return left(state_.read(), now); }
    [[nodiscard]] Status adjust(u64 now, i64 difference);

  private:
    struct State {
        u64 known;  // whether there is a date
        u64 offset; // to be added to the system time (modulo 2^64), but for the adjustment
        u64 begin;  // of the adjustment
        i64 slew;   // the whole of it
    };
    [[nodiscard]] static i64 made_up(const State& state, u64 now);
    [[nodiscard]] static i64 left(const State& state, u64 now) { return state.slew - made_up(state, now); }

    SequenceLocked<State> state_;
};

// The system's.
[[nodiscard]] Date& date();

} // namespace chorale
