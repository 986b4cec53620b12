// Things that go wrong on purpose, while a scenario runs.
#pragma once

#include "tests/machine/scenarios.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test {

// Runs it once; beside what run_once() finds, what the programs complained of.
[[nodiscard]] Findings play(const Scenario& scenario, host::Chooser& chooser, unsigned look_every);

// Every doorbell and every alarm as late as can be, or at random.
class Slow final : public host::Chooser {
  public:
    explicit Slow(host::Choice what) : what_{what} {}
    bool preempts(host::Boundary) override { return false; }
    unsigned choose(unsigned count, host::Choice what) override { return what == what_ ? count - 1 : 0; }

  private:
    host::Choice what_;
};

// What is refused: the first one named, and the next ones that come after it, `gap` apart.
struct Refusal {
    u64 first{};
    unsigned more{};
    u64 gap{1};
};

struct Faulty {
    Findings findings;
    bool refused; // there was something to refuse
};
[[nodiscard]] Faulty play_without_memory(const Scenario& scenario, Refusal refusal, host::Chooser& chooser);
[[nodiscard]] Faulty play_with_bad_copies(const Scenario& scenario, Refusal refusal, host::Chooser& chooser);

// Refuses the first, the second ... (each `step`-th of them) until the scenario ends before there is an n-th
// one. Fails the test with what the first run that goes wrong finds.
using Play = Faulty (*)(const Scenario&, Refusal, host::Chooser&);
void sweep(const Scenario& scenario, Play play_with, const char* what, Refusal refusal, u64 step);

} // namespace chorale::test
