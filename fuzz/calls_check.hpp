// What must hold after each call and after each script.
#pragma once

#include "fuzz/calls_script.hpp"
#include "tests/machine/invariants.hpp"

namespace chorale::fuzz {

// An error is one that the call list names.
void check_result(const CallInfo& call, long result);

// None may be left of what an inspection of the nucleus found.
void check_findings(const test::Findings& findings);

struct Before {
    u64 actors, threads, ports, messages, regions, laps;
    friend bool operator==(const Before&, const Before&) = default;
};
[[nodiscard]] Before look();

// Nothing is left behind, and what there is fits together. The system's environment is put back as it was.
void check_after(const Before& before, const Script& script);

} // namespace chorale::fuzz
