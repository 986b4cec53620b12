// futex(2): of the threads of one process, or of all who have the word in a shared mapping of a file.
#pragma once

#include "c_os/base/error.hpp"
#include "c_os/base/sync.hpp"
#include "c_os/calls/arguments.hpp"

#include <optional>

namespace chorale::c_os {

class Process;

enum class FutexScope : u8 { process, all };

struct FutexWait {
    FutexScope scope;
    u64 address;
    u32 expected;
    u32 mask;
    Deadline deadline;
};

// Errors: eagain (the word has another value), etimedout, eintr, efault, einval.
[[nodiscard]] Done wait_for_futex(Process& process, const FutexWait& wait);
// How many were woken.
struct FutexWake {
    FutexScope scope;
    u64 address, count;
    u32 mask{~u32{0}};
};
[[nodiscard]] u64 wake_futex(Process& process, const FutexWake& wake);
// Wakes some and lets others wait at another address: how many it was about. With `expected`, only while the
// word has that value, which nobody who waits or wakes there comes between. Errors: eagain, efault.
struct FutexRequeue {
    FutexScope scope;
    u64 from, to;
    u64 wake, move;
    std::optional<u32> expected;
};
[[nodiscard]] Result<u64> requeue_futex(Process& process, const FutexRequeue& requeue);

} // namespace chorale::c_os
