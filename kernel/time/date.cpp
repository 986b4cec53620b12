#include "kernel/time/date.hpp"

namespace chorale {

namespace {
constinit Date system_date;
}

Date& date() { return system_date; }

i64 Date::made_up(const State& state, u64 now) {
    if (state.slew == 0 || now <= state.begin) return 0; // another CPU may have begun it a moment ago
    const u64 size = state.slew < 0 ? -static_cast<u64>(state.slew) : static_cast<u64>(state.slew);
    const u64 possible = (now - state.begin) / slew_divisor;
    const auto done = static_cast<i64>(possible < size ? possible : size);
    return state.slew < 0 ? -done : done;
}

std::optional<u64> Date::at(u64 now) const {
    const State state = state_.read();
    if (state.known == 0) return {};
    return now + state.offset + static_cast<u64>(made_up(state, now));
}

void Date::set(u64 now, u64 date) {
    state_.update([&](State& state) { state = {1, date - now, now, 0}; });
}

Status Date::adjust(u64 now, i64 difference) {
    Status status = Status::invalid;
    state_.update([&](State& state) {
        if (state.known == 0) return;
        // What has been made up so far stays.
        state = {1, state.offset + static_cast<u64>(made_up(state, now)), now, difference};
        status = Status::ok;
    });
    return status;
}

} // namespace chorale
