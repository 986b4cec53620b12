// How many lines programs can make C_OS say: who starts broken programs for ever shall not drown what others
// have to say, nor keep the console busy.
#pragma once

#include "c_os/base/sync.hpp"

#include <optional>

namespace chorale::c_os {

class LineLimit {
  public:
    static constexpr u64 period = 1'000'000'000; // nanoseconds
    static constexpr unsigned most = 10;         // lines in a period

    // Nothing: the line is not to be said. Else how many were not said since the last that was.
    [[nodiscard]] std::optional<u64> admit(u64 now) {
        const Lock lock{mutex_};
        if (!begun_ || now - begin_ >= period) {
            begun_ = true;
            begin_ = now;
            said_ = 0;
        }
        if (said_ == most) {
            ++suppressed_;
            return std::nullopt;
        }
        ++said_;
        const u64 before = suppressed_;
        suppressed_ = 0;
        return before;
    }

  private:
    Mutex mutex_;
    bool begun_{};
    u64 begin_{};
    unsigned said_{};
    u64 suppressed_{};
};

} // namespace chorale::c_os
