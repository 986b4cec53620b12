// The one reader of waitLimit arguments (<chorus/types.h>): every call that may wait takes its limit from
// here.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/call/user_pointer.hpp"

#include <chorus/types.h>

namespace chorale {

class WaitLimit {
  public:
    static constexpr u64 for_ever = ~u64{0};

    constexpr WaitLimit(u64 nanoseconds, bool abortable) : nanoseconds_{nanoseconds}, abortable_{abortable} {}
    constexpr WaitLimit() = default;

    [[nodiscard]] constexpr bool blocks() const { return nanoseconds_ != 0; } // false: K_NOBLOCK, a zero time
    [[nodiscard]] constexpr bool limited() const { return nanoseconds_ != for_ever; }
    [[nodiscard]] constexpr bool abortable() const { return abortable_; }
    // On the clock of machine::now(); TimerQueue::never without a limit.
    [[nodiscard]] u64 deadline() const;

  private:
    u64 nanoseconds_{};
    bool abortable_{true};
};

// Errors: fault; invalid (not a time).
[[nodiscard]] Result<WaitLimit> read_wait_limit(UserInOpt<KnTimeVal> argument);

} // namespace chorale
