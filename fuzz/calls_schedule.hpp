// The order in which the CPUs go on, from an input.
#pragma once

#include "arch/host/lockstep.hpp"

#include <span>

namespace chorale::fuzz {

// First the input's own bytes: the distance to the next preemption, then whatever is asked. Later choices
// come from its seed, or, without a pace, are the ordinary ones.
class Schedule final : public host::Chooser {
  public:
    Schedule(std::span<const u8> bytes, u8 pace, u8 seed);
    bool preempts(host::Boundary where) override;
    unsigned choose(unsigned count, host::Choice what) override;

  private:
    [[nodiscard]] u8 next();
    [[nodiscard]] u64 distance();

    std::span<const u8> bytes_;
    u8 pace_;
    u64 state_;
    u64 left_{}; // boundaries to the next preemption
};

} // namespace chorale::fuzz
