// Every scenario as it is, and then with each thing going wrong that can: memory that is not there, user
// memory that cannot be reached, doorbells and alarms that are late. Each time a call returns one of its
// documented errors or succeeds, everything is given back, and nothing hangs.
//
// CHORALE_FAULTS=N takes N times as many seeds, and every n where the ordinary run takes a part;
// CHORALE_CPUS=N another number of CPUs.
#include "tests/machine/faults.hpp"

#include <machine/call_entry.hpp>
#include <machine/mmu.hpp>

#include <algorithm>
#include <cstdlib>
#include <ostream>

namespace chorale::test {

// For the names of tests.
static void PrintTo(const Scenario& scenario, std::ostream* to) { *to << scenario.name; }

namespace {

class Scenarios : public testing::TestWithParam<Scenario> {};

constexpr unsigned steps_per_look = 25;

[[nodiscard]] unsigned factor() {
    const char* const wanted = std::getenv("CHORALE_FAULTS");
    return wanted == nullptr ? 1 : static_cast<unsigned>(std::max(1L, std::strtol(wanted, nullptr, 10)));
}

void report(const std::string& how, const Findings& findings) {
    for (const std::string& finding : findings) ADD_FAILURE() << how << ": " << finding;
}

} // namespace

TEST_P(Scenarios, runs) { report("plain", play(GetParam(), host::plain_chooser(), steps_per_look)); }

TEST_P(Scenarios, runs_at_random) {
    for (u64 seed = 1; seed <= u64{3} * factor() && !HasFailure(); ++seed) {
        Random random{seed};
        report("seed " + std::to_string(seed), play(GetParam(), random, steps_per_look));
    }
}

TEST_P(Scenarios, runs_with_late_doorbells) {
    Slow slow{host::Choice::ring_delay};
    report("late doorbells", play(GetParam(), slow, steps_per_look));
}

TEST_P(Scenarios, runs_with_late_alarms) {
    Slow slow{host::Choice::alarm_late};
    report("late alarms", play(GetParam(), slow, steps_per_look));
}

// With the fast path or without it, programs get the same results.
TEST_P(Scenarios, runs_without_the_fast_path) {
    static_cast<void>(machine());
    machine::use_call_entry(CallEntry::slow);
    report("no fast path", play(GetParam(), host::plain_chooser(), steps_per_look));
    Random random{7};
    report("no fast path, at random", play(GetParam(), random, steps_per_look));
    machine::use_call_entry(CallEntry::fast);
}

TEST_P(Scenarios, runs_while_traced) {
    static host::Task<void> (*traced)(u64);
    traced = GetParam().play;
    const Scenario scenario{GetParam().name, [](u64) { return while_traced(traced); }};
    report("traced", play(scenario, host::plain_chooser(), steps_per_look));
    Random random{9};
    report("traced, at random", play(scenario, random, steps_per_look));
}

TEST_P(Scenarios, runs_without_space_identifiers) {
    static_cast<void>(machine());
    const unsigned limit = machine::asid_limit();
    machine::set_asid_limit(1);
    report("no identifiers", play(GetParam(), host::plain_chooser(), steps_per_look));
    Random random{8};
    report("no identifiers, at random", play(GetParam(), random, steps_per_look));
    machine::set_asid_limit(limit);
}

TEST_P(Scenarios, bears_each_allocation_that_fails) {
    sweep(GetParam(), play_without_memory, "allocation", {}, 1);
}

TEST_P(Scenarios, bears_allocations_that_fail_in_a_row) {
    sweep(GetParam(), play_without_memory, "allocations from", {.more = 7}, factor() > 1 ? 1 : 5);
}

TEST_P(Scenarios, bears_each_copy_that_fails) {
    sweep(GetParam(), play_with_bad_copies, "copy", {}, factor() > 1 ? 1 : 3);
}

TEST_P(Scenarios, bears_failures_at_random) {
    for (u64 seed = 1; seed <= u64{4} * factor() && !HasFailure(); ++seed) {
        Random memory{seed}, copies{seed + 1};
        std::mt19937_64 random{seed};
        const Refusal refusal{1 + random() % 100, 20, 1 + random() % 10};
        const Faulty first = play_without_memory(GetParam(), refusal, memory);
        report("without memory, seed " + std::to_string(seed), first.findings);
        const Faulty second = play_with_bad_copies(GetParam(), refusal, copies);
        report("bad copies, seed " + std::to_string(seed), second.findings);
    }
}

INSTANTIATE_TEST_SUITE_P(Machine, Scenarios, testing::ValuesIn(scenarios().begin(), scenarios().end()),
                         [](const testing::TestParamInfo<Scenario>& info) { return info.param.name; });

} // namespace chorale::test
