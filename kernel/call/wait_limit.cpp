#include "kernel/call/wait_limit.hpp"

#include "kernel/time/timer_queue.hpp"

#include <machine/timer.hpp>

namespace chorale {

namespace {

constexpr u64 nanoseconds_per_second = 1'000'000'000;
constexpr auto longest = static_cast<long>(~u64{0} / 4 / nanoseconds_per_second); // seconds: some 146 years

} // namespace

u64 WaitLimit::deadline() const { return limited() ? machine::now() + nanoseconds_ : TimerQueue::never; }

Result<WaitLimit> read_wait_limit(UserInOpt<KnTimeVal> argument) {
    if (!argument.given()) return WaitLimit{};
    const uword raw = argument.address().raw();
    if (raw == reinterpret_cast<uword>(K_NOTIMEOUT)) return WaitLimit{WaitLimit::for_ever, true};
    if (raw == reinterpret_cast<uword>(K_NOTIMEOUT_NOABORT)) return WaitLimit{WaitLimit::for_ever, false};
    const Result<KnTimeVal> time = argument.read();
    if (!time.ok()) return time.status();
    const long seconds = time.value().tmSec;
    if (seconds < 0 || time.value().tmNSec < 0) return Status::invalid;
    const bool abortable = (time.value().tmNSec & K_NOABORT) == 0;
    const u64 rest = static_cast<u64>(time.value().tmNSec & ~K_NOABORT);
    if (rest >= nanoseconds_per_second) return Status::invalid;
    const auto whole = static_cast<u64>(seconds < longest ? seconds : longest);
    return WaitLimit{whole * nanoseconds_per_second + rest, abortable};
}

} // namespace chorale
