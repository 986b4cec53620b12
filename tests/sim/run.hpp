// Runs of the simulator, each in a process of its own: the machine is booted once, and every run begins with
// a copy of it.
#pragma once

#include "tests/sim/plan.hpp"

#include <string>

namespace chorale::sim {

// How often the CPUs change hands. 0: only where they must.
struct Schedule {
    u64 seed{};
    unsigned preemption = 16; // on average once in so many boundaries
    unsigned weakness = 8;    // a load looks for an older value once in so many; 0: never
};

struct Verdict {
    bool failed{};
    std::string reason; // one line
    u64 steps{};
    u64 hash{}; // of every event: two runs with the same hash were the same
};

// Boots. Once.
void prepare();

// Carries the plan out in a child process. `trace`: tells on standard output what happens.
[[nodiscard]] Verdict run(const Plan& plan, const Schedule& schedule, bool trace = false);

// The schedule that belongs to a seed.
[[nodiscard]] Schedule schedule_of(u64 seed);

// Cuts the plan and the schedule down as long as it still fails. `progress` is told of each step.
struct Shrunk {
    Plan plan;
    Schedule schedule;
    Verdict verdict;
};
[[nodiscard]] Shrunk shrink(const Plan& plan, const Schedule& schedule, const Verdict& verdict);

} // namespace chorale::sim
