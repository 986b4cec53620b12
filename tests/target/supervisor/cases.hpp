// The supervisor tests: a supervisor actor that runs a case for each message that asks for one, and answers
// with its outcome. The suite in nucleus_tests (tests/target/supervisor.cpp) asks and reports.
#pragma once

namespace chorale::test {

// Which suite of the user half asks for them.
enum class SupervisorGroup : unsigned { usual, leaks };

struct SupervisorRequest {
    SupervisorGroup group;
    unsigned number; // of the case
    unsigned cpu_count;
};

struct SupervisorOutcome {
    unsigned count;    // of all cases of the group
    unsigned failures; // of this one
    char name[32];
    char detail[160]; // of the first failure, or what the case has to note
};

inline constexpr const char* supervisor_port = "supervisor";

// For the user half (supervisor.cpp): runs all cases of the group, a line for each. A case may take so many
// milliseconds, or for ever.
class Report;
void run_inside(Report& report, SupervisorGroup group, int milliseconds);

} // namespace chorale::test
