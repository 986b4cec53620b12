// Machines that boot in other ways than the one of all other tests, and how a machine ends: each in a process
// of its own.
#include "tests/machine/faults.hpp"
#include "tests/machine/stage.hpp"

#include <csignal>
#include <cstdio>
#include <unistd.h>

// The instrumentation's, where there is one: what a child that aborts has covered counts too.
extern "C" int __llvm_profile_write_file() __attribute__((weak));

namespace chorale::test {

namespace {

using namespace host;

constexpr int aborted = 86;

// In the child: what the console says goes where the test looks.
void begin_child() {
    std::fflush(stdout);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    std::signal(SIGABRT, [](int) {
        std::fflush(stdout);
        if (__llvm_profile_write_file != nullptr) __llvm_profile_write_file();
        _exit(aborted);
    });
}

[[noreturn]] void leave(int code) {
    std::fflush(stdout);
    std::exit(code);
}

// Boots, plays what is given, and says what was wrong.
[[noreturn]] void boot_and_play(const Settings& settings, std::initializer_list<Scenario> played,
                                bool at_random = true) {
    begin_child();
    boot_with(settings);
    bool good = true;
    Random random{11};
    for (Chooser* const chooser : {&plain_chooser(), static_cast<Chooser*>(&random)}) {
        if (chooser == &random && !at_random) break;
        for (const Scenario& scenario : played) {
            for (const std::string& finding : play(scenario, *chooser, 100)) {
                std::fprintf(stderr, "%s: %s\n", scenario.name, finding.c_str());
                good = false;
            }
        }
    }
    std::fputs("played\n", stderr);
    leave(good ? 0 : 1);
}

// Plays until the machine ends; its verdict is the process's.
[[noreturn]] void play_to_the_end(const Program& program) {
    begin_child();
    boot_with({}); // root is the last actor
    Lockstep& engine = machine();
    const Outcome outcome = host::run(program);
    leave(outcome == Outcome::stopped ? 10 + engine.verdict() : 1);
}

[[nodiscard]] Task<void> reboot(u32 mode, bool told) {
    Local<KnRebootDesc> how;
    co_await how.set({mode});
    co_await call(Call::sysReboot, told ? how.at().raw() : 0);
}

[[nodiscard]] Task<void> delete_the_last_actor() { co_await call(Call::actorDelete, 0); }

class Boot : public testing::Test {
  protected:
    Boot() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

using testing::ExitedWithCode;

const Scenario exchanges{"register_exchanges", register_exchanges};
const Scenario moves{"migrations", migrations};
const Scenario ports{"any_enabled_port", any_enabled_port};
const Scenario ends{"ends_of_actors", ends_of_actors};
const Scenario delays{"times", times};
const Scenario spaces{"regions", regions};

} // namespace

TEST_F(Boot, one_cpu) {
    EXPECT_EXIT(boot_and_play({.cpus = 1}, {exchanges, ports, moves, delays, ends, spaces}),
                ExitedWithCode(0), "1 running, 1 found");
}

TEST_F(Boot, two_cpus) {
    EXPECT_EXIT(boot_and_play({.cpus = 2}, {exchanges, ports, moves, delays, ends, spaces}),
                ExitedWithCode(0), "2 running, 2 found");
}

TEST_F(Boot, many_cpus) {
    EXPECT_EXIT(boot_and_play({.cpus = 17}, {exchanges, ports, moves, ends}), ExitedWithCode(0),
                "17 running");
}

TEST_F(Boot, idle_cpus_that_poll) {
    EXPECT_EXIT(boot_and_play({.command_line = "poll=auto"}, {exchanges, moves, delays}, false),
                ExitedWithCode(0), "played");
}

TEST_F(Boot, without_the_fast_path) {
    EXPECT_EXIT(boot_and_play({.command_line = "fastpath=off poll=off"}, {exchanges, ports, moves}),
                ExitedWithCode(0), "played");
}

TEST_F(Boot, unknown_options) {
    EXPECT_EXIT(boot_and_play({.command_line = "poll=perhaps strange=1 word run=root poll=off"}, {exchanges}),
                ExitedWithCode(0), "command line: poll=perhaps");
}

TEST_F(Boot, nobody_to_run) {
    EXPECT_EXIT(boot_and_play({.command_line = "run=nobody"}, {}), ExitedWithCode(0), "played");
    EXPECT_EXIT(boot_and_play({.command_line = "run=nobody"}, {exchanges}), ExitedWithCode(aborted),
                "run=nobody: no such program in the bank");
}

TEST_F(Boot, no_memory) {
    EXPECT_EXIT(boot_and_play({.memory = (u64{1} << 20) + 10 * page_size}, {exchanges}),
                ExitedWithCode(aborted), "no memory");
}

// Whatever is refused first, the boot says so, or does without.
TEST_F(Boot, each_allocation_refused) {
    for (int n = 1; n <= 32; ++n) {
        const std::string option = "poll=off fail.alloc=" + std::to_string(n);
        const auto either = [](int status) {
            return ExitedWithCode(0)(status) || ExitedWithCode(aborted)(status);
        };
        EXPECT_EXIT(boot_and_play({.command_line = option}, {delays}), either, "allocation refused");
    }
}

TEST_F(Boot, reboot) {
    EXPECT_EXIT(play_to_the_end([](u64) { return reboot(K_REBOOT_SUCCESS, true); }), ExitedWithCode(10), "");
    EXPECT_EXIT(play_to_the_end([](u64) { return reboot(K_REBOOT_FAILURE, true); }), ExitedWithCode(11), "");
    EXPECT_EXIT(play_to_the_end([](u64) { return reboot(K_REBOOT_COLD, true); }), ExitedWithCode(10), "");
    EXPECT_EXIT(play_to_the_end([](u64) { return reboot(0, false); }), ExitedWithCode(10), "");
}

TEST_F(Boot, last_actor_gone) {
    EXPECT_EXIT(play_to_the_end([](u64) { return delete_the_last_actor(); }), ExitedWithCode(11),
                "nothing left to run");
}

} // namespace chorale::test
