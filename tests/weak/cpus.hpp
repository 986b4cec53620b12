// CPUs for the tests of the weak memory machine: fibers that are switched at random, seeded, before atomic
// operations.
#pragma once

#include "arch/host/weak/weak.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace chorale::weak::test {

// Takes every choice in every way, one way a run: call more() until it says no.
class Script {
  public:
    [[nodiscard]] bool more();
    [[nodiscard]] unsigned choose(unsigned count);

  private:
    struct Taken {
        unsigned choice, count;
    };
    std::vector<Taken> taken_;
    std::size_t next_ = 0;
    bool begun_ = false;
};

struct Result {
    std::vector<Race> races;
    std::vector<Event> events; // if the plan wants them
    std::uint64_t hash = 0;    // of every operation, with what it saw
    unsigned operations = 0;
    unsigned stale = 0; // loads that did not see the newest store
    bool stuck = false; // ended by the limit of operations
};

struct Plan {
    std::uint64_t seed = 1;
    unsigned switches = 2; // one operation in so many lets another CPU run
    unsigned olds = 2;     // one choice in so many is not the ordinary one; 0: none
    bool spurious = true;  // compare-exchanges may fail on old values
    bool events = false;
    Script* script = nullptr; // decides instead of the seed; each operation may be any CPU's
    unsigned limit = 100'000; // operations; afterwards everything is ordinary and the CPUs are told to end
};

// Runs each function as one CPU until all have returned.
Result run(const Plan& plan, const std::vector<std::function<void()>>& functions);

// For the functions: lets another CPU run.
void yield();
// For endless ones: whether to end.
[[nodiscard]] bool over();

// What run() installs when nothing is installed. Without the trace there is no hash, and no count of old
// values.
inline constexpr Options usual_options{.trace = true};
void install(const Options& options);

} // namespace chorale::weak::test
