// A machine for the tests of a program: booted when the first test needs it, and between two tests in the
// state in which it was then, which is checked.
#pragma once

#include "arch/host/lockstep.hpp"
#include "arch/host/machine.hpp"
#include "arch/host/session.hpp"
#include "tests/machine/invariants.hpp"

#include <gtest/gtest.h>

#include <random>

namespace chorale::test {

// Preempts, delays and is late at random.
class Random final : public host::Chooser {
  public:
    explicit Random(u64 seed) : random_{seed} {}
    bool preempts(host::Boundary) override { return random_() % 8 == 0; }
    unsigned choose(unsigned count, host::Choice what) override {
        if (what != host::Choice::next_cpu && random_() % 4 != 0) return 0;
        return static_cast<unsigned>(random_() % count);
    }

  private:
    std::mt19937_64 random_;
};

// 4 CPUs in lockstep, unless boot_with() came first, or CHORALE_CPUS says otherwise.
[[nodiscard]] host::Lockstep& machine();
void boot_with(const host::Settings& settings);

// Runs the scenario once. What is wrong then: it does not finish, it leaves something behind, an invariant
// does not hold at the end, or at one of the looks taken every `look_every` steps (0: none).
[[nodiscard]] Findings run_once(const host::Program& scenario, host::Chooser& chooser,
                                unsigned look_every = 0);

// Runs the scenario twice: as the CPUs come, and with random preemption. Fails the test if anything is wrong.
void run_world(const host::Program& scenario);

} // namespace chorale::test
