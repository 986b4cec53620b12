// Runs a small program often, each time with another seed, and counts how it ended.
//
// A program is a type with `cpus`, a member run(cpu), and outcome(): a number whose decimal digits are what
// its loads saw. Compile with the instrumentation.
#pragma once

#include "tests/weak/cpus.hpp"

#include <map>
#include <memory>

namespace chorale::weak::test {

struct Outcomes {
    std::map<unsigned, unsigned> count;
    unsigned racing = 0; // runs with a race
    Race race{};         // one of them

    [[nodiscard]] bool seen(unsigned outcome) const { return count.contains(outcome); }
};

inline constexpr unsigned usual_runs = 5000;

template <class Program>
Outcomes explore(unsigned runs = usual_runs) {
    Outcomes outcomes;
    for (unsigned seed = 1; seed <= runs; ++seed) {
        const auto program = std::make_unique<Program>();
        std::vector<std::function<void()>> functions;
        for (unsigned cpu = 0; cpu < Program::cpus; ++cpu) {
            functions.emplace_back([&program, cpu] { program->run(cpu); });
        }
        const Result result = run({.seed = seed}, functions);
        ++outcomes.count[program->outcome()];
        if (result.races.empty()) continue;
        ++outcomes.racing;
        outcomes.race = result.races.front();
    }
    return outcomes;
}

} // namespace chorale::weak::test
