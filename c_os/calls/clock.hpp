// Times as system calls tell and take them.
#pragma once

#include "c_os/base/error.hpp"
#include "c_os/base/sync.hpp"

namespace chorale::c_os {

struct UserTime { // struct timespec
    std::int64_t seconds, nanoseconds;
};

inline constexpr u64 nanoseconds_per_second = 1'000'000'000;

// A timespec of the user's in nanoseconds; what is beyond any deadline counts as for ever. Errors: efault,
// einval.
[[nodiscard]] Result<u64> read_time(u64 address);
[[nodiscard]] u64 add_times(u64 a, u64 b); // never beyond Deadline::never
// Since 1970; the time since the boot while there is no date.
[[nodiscard]] u64 date();
// When the system time will be what the date is to be.
[[nodiscard]] u64 boot_time_of_date(u64 date);
[[nodiscard]] u64 cpu_mask();

} // namespace chorale::c_os
