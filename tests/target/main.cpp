// The target tests: an actor that tries every nucleus call from outside. Options:
// test=<all|suite|suite.case>, smp.stress=<seconds>.
#include "check.hpp"
#include "helper.hpp"

#include <actor/environment.hpp>

namespace chorale::test {
namespace {

const Suite* const suites[] = {
    &call_errors_suite,
    &environment_suite,
    &memory_suite,
    &threads_suite,
    &binding_suite,
    &ports_suite,
    &registers_suite,
    &vector_suite,
    &ipc_suite,
    &bodies_suite,
    &ipc_ports_suite,
    &ipc_waits_suite,
    &ipc_failures_suite,
    &ipc_priority_suite,
    &credits_suite,
    &names_suite,
    &groups_suite,
    &current_messages_suite,
    &port_migration_suite,
    &actors_suite,
    &control_suite,
    &private_data_suite,
    &console_suite,
    &faults_suite,
    &supervisor_suite,
    &time_suite,
    &timers_suite,
    &watchdog_suite,
    &laps_suite,
    &traps_suite,
    &message_handlers_suite,
    &scheduling_suite,
    &pulling_suite,
    &regions_suite,
    &sharing_suite,
    &taken_away_suite,
    &statistics_suite,
    &trace_suite,
    &mutex_suite,
    &semaphore_suite,
    &thread_semaphore_suite,
    &event_suite,
    &monitor_suite,
    &rt_mutex_suite,
    &inheritance_suite,
    &scribbling_suite,
    &message_rings_suite,
    &cpp_messages_suite,
    &segments_suite,
    &segment_copies_suite,
    &message_spaces_suite,
    &message_waits_suite,
    &published_suite,
    &fifo_suite,
    &leaks_suite,
    &stress_suite,
};

struct Totals {
    unsigned run{}, failed{};
};

bool selected(const char* selection, const char* suite, const char* name) {
    char full[80];
    format_text(full, sizeof(full), "%s.%s", suite, name);
    return same_text(selection, "all") || same_text(selection, suite) || same_text(selection, full);
}

// Everything once more with each call, message and switch recorded, though nobody reads it.
bool start_trace() {
    char buffer[K_ENVVALUEMAX];
    return same_text(environment_text("test.trace", buffer, "off"), "on") && traceStart(1) == K_OK;
}

Totals run_all(const char* selection) {
    Totals totals;
    const bool traced = start_trace();
    for (const Suite* suite : suites) {
        if (traced && suite == &trace_suite) {
            continue; // it has traces of its own
        }
        for (const Case& test : suite->cases) {
            if (!selected(selection, suite->name, test.name)) {
                continue;
            }
            Report report{suite->name, test.name};
            test.run(report);
            report.print_line();
            ++totals.run;
            totals.failed += report.failed() ? 1U : 0U;
        }
    }
    return totals;
}

} // namespace
} // namespace chorale::test

extern "C" int main() {
    using namespace chorale;
    char buffer[K_ENVVALUEMAX];
    const char* selection = environment_text("test", buffer, "all");
    print("target tests: %s on %u CPUs\n", selection, test::cpu_count());
    threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE);
    const test::Totals totals = test::run_all(selection);
    const bool passed = totals.run != 0 && totals.failed == 0;
    print("target tests: %u run, %u failed%s\n", totals.run, totals.failed,
          totals.run == 0 ? ": no such test" : "");
    print("@done %s\n", passed ? "pass" : "FAIL");
    const KnRebootDesc verdict{passed ? KnRebootMode{K_REBOOT_SUCCESS} : KnRebootMode{K_REBOOT_FAILURE}};
    sysReboot(&verdict);
    return 1;
}
