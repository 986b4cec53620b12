// The supervisor tests: a supervisor actor that runs a case for each message that asks for one, and answers
// with its outcome. The suite in nucleus_tests (tests/target/supervisor.cpp) asks and reports.
#pragma once

namespace chorale::test {

struct SupervisorRequest {
    unsigned number; // of the case
    unsigned cpu_count;
};

struct SupervisorOutcome {
    unsigned count;    // of all cases
    unsigned failures; // of this one
    char name[32];
    char detail[160]; // of the first failure, or what the case has to note
};

inline constexpr const char* supervisor_port = "supervisor";

} // namespace chorale::test
