// The one place through which every allocation passes before it is tried, so that a test can make the n-th
// one fail.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

namespace chorale {

// The n-th allocation from now (1: the next one) is refused, once. Zero: none.
void fail_allocation_after(u64 n);

// Allocations still to come before the refused one; 0: it has happened, or none was ordered.
[[nodiscard]] u64 allocations_before_failure();

namespace detail {
extern Relaxed<u64> failure_countdown;
[[nodiscard]] bool count_allocation();
} // namespace detail

[[nodiscard]] inline bool allocation_refused() {
    if (detail::failure_countdown.load() == 0) [[likely]]
        return false;
    return detail::count_allocation();
}

} // namespace chorale
