// Clocks and sleeping.
#include "c_os/base/user_memory.hpp"
#include "c_os/calls/clock.hpp"
#include "c_os/calls/table.hpp"

#include <actor/environment.hpp>
#include <date/chDate.h>
#include <exec/chTime.h>
#include <vtimer/chVtimer.h>

namespace chorale::c_os {

namespace {

// clock_gettime(2)
enum : u64 {
    clock_realtime = 0,
    clock_monotonic = 1,
    clock_process = 2,
    clock_thread = 3,
    clock_monotonic_raw = 4,
    clock_realtime_coarse = 5,
    clock_monotonic_coarse = 6,
    clock_boot = 7,
};
constexpr u64 timer_absolute = 1;

[[nodiscard]] u64 in_nanoseconds(const KnTimeVal& time) {
    return static_cast<u64>(time.tmSec) * nanoseconds_per_second + static_cast<u64>(time.tmNSec);
}

// Of one thread, or of all of the actor.
[[nodiscard]] u64 cpu_time(const Task& task, KnThreadLid thread) {
    KnTimeVal inside{}, outside{};
    if (threadTimes(&task.process.capability, thread, &inside, &outside) != K_OK) return 0;
    return in_nanoseconds(inside) + in_nanoseconds(outside);
}

[[nodiscard]] Result<u64> read_clock(const Task& task, u64 clock) {
    switch (clock) {
    case clock_realtime:
    case clock_realtime_coarse:
        return date();
    case clock_monotonic:
    case clock_monotonic_raw:
    case clock_monotonic_coarse:
    case clock_boot:
        return now();
    case clock_process:
        return cpu_time(task, K_ALLACTORTHREADS);
    case clock_thread:
        return cpu_time(task, task.lid);
    default:
        return failed(Error::einval);
    }
}

[[nodiscard]] UserTime user_time(u64 time) {
    return {static_cast<std::int64_t>(time / nanoseconds_per_second),
            static_cast<std::int64_t>(time % nanoseconds_per_second)};
}

[[nodiscard]] Result<u64> put_time(u64 address, u64 time) {
    if (const Done done = put_to_user(address, user_time(time)); !done) return failed(done.error());
    return 0;
}

Result<u64> call_clock_gettime(Task& task, const CallArguments& call) {
    const Result<u64> time = read_clock(task, call.value[0]);
    if (!time) return time;
    return put_time(call.value[1], *time);
}

Result<u64> call_clock_getres(Task& task, const CallArguments& call) {
    if (const Result<u64> time = read_clock(task, call.value[0]); !time) return time;
    KnTimeVal resolution{};
    sysTimeGetRes(&resolution);
    return call.value[1] == 0 ? Result<u64>{0} : put_time(call.value[1], in_nanoseconds(resolution));
}

Result<u64> call_clock_settime(Task& task, const CallArguments& call) {
    if (call.value[0] != clock_realtime) return failed(Error::einval);
    const Result<u64> time = read_time(call.value[1]);
    if (!time) return time;
    if (!task.process.files.credentials().root()) return failed(Error::eperm);
    const UserTime value = user_time(*time);
    const KnTimeVal date{value.seconds, value.nanoseconds};
    if (univTimeSet(nullptr, &date) != K_OK) return failed(Error::einval);
    return 0;
}

Result<u64> call_gettimeofday(Task&, const CallArguments& call) {
    if (call.value[0] == 0) return 0;
    UserTime time = user_time(date());
    time.nanoseconds /= 1000; // struct timeval: microseconds
    if (const Done done = put_to_user(call.value[0], time); !done) return failed(done.error());
    return 0;
}

// Sleeps on a list that nobody wakes: an abort or the deadline ends it.
[[nodiscard]] Result<u64> sleep_until(u64 deadline, u64 rest_address) {
    Mutex mutex;
    Waiters nobody;
    const Lock lock{mutex};
    if (nobody.wait(mutex, {deadline}) != Woken::aborted) return 0;
    const u64 time = now();
    if (rest_address != 0) {
        const Result<u64> put = put_time(rest_address, deadline > time ? deadline - time : 0);
        if (!put) return put;
    }
    return failed(Error::eintr);
}

Result<u64> call_nanosleep(Task&, const CallArguments& call) {
    const Result<u64> time = read_time(call.value[0]);
    if (!time) return time;
    return sleep_until(add_times(now(), *time), call.value[1]);
}

Result<u64> call_clock_nanosleep(Task&, const CallArguments& call) {
    const Result<u64> time = read_time(call.value[2]);
    if (!time) return time;
    const bool realtime = call.value[0] == clock_realtime;
    if (!realtime && call.value[0] != clock_monotonic && call.value[0] != clock_boot)
        return failed(Error::einval);
    if ((call.value[1] & timer_absolute) == 0) return sleep_until(add_times(now(), *time), call.value[3]);
    return sleep_until(realtime ? boot_time_of_date(*time) : *time, 0);
}

Result<u64> call_time(Task&, const CallArguments& call) {
    const u64 seconds = date() / nanoseconds_per_second;
    if (call.value[0] == 0) return seconds;
    if (const Done done = put_to_user(call.value[0], seconds); !done) return failed(done.error());
    return seconds;
}

// pause(2), rt_sigsuspend(2): no signal ends the wait but by ending the process.
Result<u64> call_pause(Task&, const CallArguments&) { return sleep_until(Deadline::never, 0); }

// times(2): in hundredths of seconds.
Result<u64> call_times(Task& task, const CallArguments& call) {
    constexpr u64 tick = nanoseconds_per_second / 100;
    const u64 used = cpu_time(task, K_ALLACTORTHREADS) / tick;
    const u64 times[4] = {used, 0, 0, 0}; // user, system, of children
    if (call.value[0] != 0) {
        if (const Done done = copy_out(call.value[0], times, sizeof times); !done)
            return failed(done.error());
    }
    return now() / tick;
}

Result<u64> call_getrusage(Task& task, const CallArguments& call) {
    struct Usage {
        UserTime user, system; // struct timeval
        u64 rest[14];
    } usage{};
    constexpr u64 of_thread = 1;
    usage.user = user_time(cpu_time(task, call.value[0] == of_thread ? task.lid : K_ALLACTORTHREADS));
    usage.user.nanoseconds /= 1000;
    if (const Done done = put_to_user(call.value[1], usage); !done) return failed(done.error());
    return 0;
}

} // namespace

Result<u64> read_time(u64 address) {
    const Result<UserTime> time = get_from_user<UserTime>(address);
    if (!time) return failed(time.error());
    if (time->seconds < 0 || time->nanoseconds < 0 ||
        time->nanoseconds >= static_cast<std::int64_t>(nanoseconds_per_second))
        return failed(Error::einval);
    constexpr std::int64_t most = static_cast<std::int64_t>(Deadline::never / nanoseconds_per_second) - 1;
    if (time->seconds > most) return Deadline::never;
    return static_cast<u64>(time->seconds) * nanoseconds_per_second + static_cast<u64>(time->nanoseconds);
}

u64 add_times(u64 a, u64 b) { return b > Deadline::never - a ? Deadline::never : a + b; }

u64 date() {
    KnTimeVal time{};
    if (univTime(&time) != K_OK || time.tmNSec == K_INVALID_NSEC) return now();
    return in_nanoseconds(time);
}

u64 boot_time_of_date(u64 wanted) {
    if (wanted == Deadline::never) return wanted;
    const u64 present = date();
    return wanted > present ? add_times(now(), wanted - present) : now();
}

u64 cpu_mask() {
    const unsigned cpus = running_cpus();
    return cpus >= 64 ? ~u64{0} : (u64{1} << cpus) - 1;
}

std::span<const CallEntry> time_call_entries() {
    static constexpr CallEntry entries[] = {
        {"clock_gettime", call_clock_gettime},
        {"clock_getres", call_clock_getres},
        {"clock_settime", call_clock_settime},
        {"clock_nanosleep", call_clock_nanosleep},
        {"gettimeofday", call_gettimeofday},
        {"nanosleep", call_nanosleep},
        {"pause", call_pause},
        {"rt_sigsuspend", call_pause},
        {"time", call_time},
        {"times", call_times},
        {"getrusage", call_getrusage},
    };
    return entries;
}

} // namespace chorale::c_os
