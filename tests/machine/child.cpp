#include "tests/machine/child.hpp"

#include "tests/machine/attempt.hpp"
#include "tests/machine/world.hpp"

#include <csignal>
#include <cstdio>
#include <unistd.h>

// The instrumentation's, where there is one: what a child that aborts has covered counts too.
extern "C" int __llvm_profile_write_file() __attribute__((weak));

namespace chorale::test {

void begin_child() {
    std::fflush(stdout);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    std::signal(SIGABRT, [](int) {
        std::fflush(stdout);
        if (__llvm_profile_write_file != nullptr) __llvm_profile_write_file();
        _exit(aborted);
    });
}

void leave_child(int code) {
    std::fflush(stdout);
    std::exit(code);
}

bool report_failures() {
    const testing::TestResult& result = *testing::UnitTest::GetInstance()->current_test_info()->result();
    for (int i = 0; i < result.total_part_count(); ++i) {
        const testing::TestPartResult& part = result.GetTestPartResult(i);
        if (part.failed()) std::fprintf(stderr, "line %d: %s\n", part.line_number(), part.message());
    }
    return result.Failed();
}

void play_in_child(const host::Settings& settings, const host::Program& program) {
    begin_child();
    boot_with(settings);
    host::Lockstep& engine = machine();
    const host::Outcome outcome = host::run(program);
    for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
    const bool good = !report_failures();
    if (good && outcome == host::Outcome::stopped) leave_child(machine_ended + engine.verdict());
    leave_child(good && outcome == host::Outcome::finished ? 0 : 1);
}

} // namespace chorale::test
