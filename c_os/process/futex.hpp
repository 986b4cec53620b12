// futex(2) of the threads of one process.
#pragma once

#include "c_os/base/error.hpp"
#include "c_os/base/sync.hpp"
#include "c_os/calls/arguments.hpp"

namespace chorale::c_os {

class Process;

struct FutexWait {
    u64 address;
    u32 expected;
    u32 mask;
    Deadline deadline;
};

// Errors: eagain (the word has another value), etimedout, eintr, efault, einval.
[[nodiscard]] Done wait_for_futex(Process& process, const FutexWait& wait);
// How many were woken.
[[nodiscard]] u64 wake_futex(Process& process, u64 address, u64 count, u32 mask = ~u32{0});
// Wakes some and lets others wait at another address: how many it was about.
[[nodiscard]] u64 requeue_futex(Process& process, u64 from, u64 wake, u64 to, u64 move);

} // namespace chorale::c_os
