// The system time and the date.
#include "kernel/call/handlers.hpp"
#include "kernel/time/date.hpp"
#include "kernel/time/time_value.hpp"

#include <machine/timer.hpp>

namespace chorale::calls {

namespace {

[[nodiscard]] bool may_set_date(const Thread& self) { return self.actor->privilege != K_USERACTOR; }

[[nodiscard]] KnTimeVal date_at(u64 now) {
    const std::optional<u64> date = chorale::date().at(now);
    return date ? time_value(*date) : KnTimeVal{0, K_INVALID_NSEC};
}

[[nodiscard]] long write_resolution(UserOut<KnTimeVal> resolution) {
    return static_cast<long>(resolution.write(time_value(machine::clock_resolution())));
}

} // namespace

long sysTime(Thread&, UserOut<KnTimeVal> time) {
    return static_cast<long>(time.write(time_value(machine::ordered_now())));
}

long sysTimeGetRes(Thread&, UserOut<KnTimeVal> resolution) { return write_resolution(resolution); }

long sysCounterFrequency(Thread&, UserOut<uint64_t> frequency) {
    return static_cast<long>(frequency.write(machine::counter_frequency()));
}

long univTime(Thread&, UserOut<KnTimeVal> time) {
    return static_cast<long>(time.write(date_at(machine::ordered_now())));
}

long univTimeGetRes(Thread&, UserOut<KnTimeVal> resolution) { return write_resolution(resolution); }

long univTimeSet(Thread& self, UserOutOpt<KnTimeVal> old_time, UserInOpt<KnTimeVal> new_time) {
    u64 wanted = 0;
    if (new_time.given()) {
        if (!may_set_date(self)) return K_EPRIV;
        const Result<KnTimeVal> value = new_time.read();
        if (!value.ok()) return K_EFAULT;
        const Result<u64> date = nanoseconds_of(value.value());
        if (!date.ok() || date.value() >= longest_interval) return K_EINVAL;
        wanted = date.value();
    }
    const u64 now = machine::ordered_now();
    if (old_time.given() && old_time.write(date_at(now)) != Status::ok) return K_EFAULT;
    if (new_time.given()) date().set(now, wanted);
    return K_OK;
}

long univTimeAdjust(Thread& self, UserOutOpt<KnTimeVal> old_delta, UserInOpt<KnTimeVal> new_delta) {
    i64 wanted = 0;
    if (new_delta.given()) {
        if (!may_set_date(self)) return K_EPRIV;
        const Result<KnTimeVal> value = new_delta.read();
        if (!value.ok()) return K_EFAULT;
        const Result<i64> difference = difference_of(value.value());
        if (!difference.ok()) return K_EINVAL;
        wanted = difference.value();
    }
    const u64 now = machine::ordered_now();
    if (old_delta.given() && old_delta.write(time_difference(date().adjustment_left(now))) != Status::ok) {
        return K_EFAULT;
    }
    return new_delta.given() ? static_cast<long>(date().adjust(now, wanted)) : K_OK;
}

} // namespace chorale::calls
