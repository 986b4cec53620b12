#include "fuzz/calls_schedule.hpp"

namespace chorale::fuzz {

Schedule::Schedule(std::span<const u8> bytes, u8 pace, u8 seed)
    : bytes_{bytes}, pace_{pace}, state_{seed + u64{1}} {
    left_ = distance();
}

u8 Schedule::next() {
    if (!bytes_.empty()) {
        const u8 byte = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return byte;
    }
    if (pace_ == 0) return 0;
    state_ ^= state_ << 13; // xorshift
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<u8>(state_ >> 24);
}

// Near ones exactly, far ones roughly.
u64 Schedule::distance() {
    constexpr u8 near = 192;
    constexpr u64 step = 16;
    constexpr u64 far = 5'000; // CPUs that wait for each other do so side by side
    if (bytes_.empty() && pace_ == 0) return far;
    if (bytes_.empty()) return next() % pace_;
    const u8 byte = next();
    return byte < near ? byte : near + (byte - near) * step;
}

bool Schedule::preempts(host::Boundary) {
    if (left_ != 0) {
        --left_;
        return false;
    }
    left_ = distance();
    return true;
}

unsigned Schedule::choose(unsigned count, host::Choice what) {
    const u8 byte = next();
    if (what == host::Choice::next_cpu) return byte % count;
    return byte % 4 == 0 ? byte / 4 % count : 0; // mostly at once
}

} // namespace chorale::fuzz
