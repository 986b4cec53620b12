// The target tests' harness: suites of cases, each of which ends in one line "@test suite.case ok|FAIL
// detail". A detail has file, line, the expression and both values; details of passed cases are the same in
// every run.
#pragma once

#include <actor/print.hpp>

#include <cstddef>
#include <span>

namespace chorale::test {

class Report {
  public:
    Report(const char* suite, const char* name) : suite_{suite}, name_{name} {}

    // Keeps the first failure's text; counts all.
    void fail(const char* file, int line, const char* text, long actual, long expected);
    bool equal(const char* file, int line, const char* text, long actual, long expected) {
        if (actual != expected) {
            fail(file, line, text, actual, expected);
        }
        return actual == expected;
    }
    // Something to compare between runs: printed behind "ok".
    void note(const char* label, unsigned long value);
    void skip(const char* reason) { skipped_ = reason; }
    [[nodiscard]] bool failed() const { return failures_ != 0; }
    [[nodiscard]] const char* detail() const { return detail_; }
    void print_line() const;

  private:
    const char* suite_;
    const char* name_;
    const char* skipped_{};
    unsigned failures_{};
    char detail_[160]{};
};

struct Case {
    const char* name;
    void (*run)(Report& report);
};

struct Suite {
    const char* name;
    std::span<const Case> cases;
};

// Every suite, in the order in which they run.
extern const Suite call_errors_suite, environment_suite, memory_suite, threads_suite, binding_suite,
    ports_suite, registers_suite, vector_suite, ipc_suite, ipc_ports_suite, ipc_waits_suite,
    ipc_failures_suite, ipc_priority_suite, current_messages_suite, port_migration_suite, actors_suite,
    control_suite, faults_suite, supervisor_suite, statistics_suite, stress_suite;
extern const Suite bodies_suite, credits_suite;
extern const Suite private_data_suite, console_suite;
extern const Suite time_suite, timers_suite, watchdog_suite;
extern const Suite laps_suite, message_handlers_suite, published_suite, traps_suite;
extern const Suite fifo_suite, scheduling_suite, pulling_suite;
extern const Suite regions_suite, segments_suite, segment_copies_suite, sharing_suite, taken_away_suite;
extern const Suite mutex_suite, semaphore_suite, thread_semaphore_suite, event_suite, monitor_suite,
    rt_mutex_suite, inheritance_suite, scribbling_suite;
extern const Suite names_suite, groups_suite;
extern const Suite message_spaces_suite, message_waits_suite;
extern const Suite message_rings_suite, cpp_messages_suite;
extern const Suite leaks_suite, trace_suite;

} // namespace chorale::test

#define CHECK_EQ(actual, expected)                                                                           \
    static_cast<void>(report.equal(__FILE_NAME__, __LINE__, #actual, static_cast<long>(actual),              \
                                   static_cast<long>(expected)))
#define CHECK(condition)                                                                                     \
    static_cast<void>(report.equal(__FILE_NAME__, __LINE__, #condition, (condition) ? 1L : 0L, 1))
// For what the rest of the case needs.
#define REQUIRE_EQ(actual, expected)                                                                         \
    do {                                                                                                     \
        if (!report.equal(__FILE_NAME__, __LINE__, #actual, static_cast<long>(actual),                       \
                          static_cast<long>(expected))) {                                                    \
            return;                                                                                          \
        }                                                                                                    \
    } while (false)
#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!report.equal(__FILE_NAME__, __LINE__, #condition, (condition) ? 1L : 0L, 1)) {                  \
            return;                                                                                          \
        }                                                                                                    \
    } while (false)
