// Machines that boot in other ways than the one of all other tests, and how a machine ends.
#include "tests/machine/child.hpp"
#include "tests/machine/faults.hpp"
#include "tests/machine/solo.hpp"

#include <cstdio>

namespace chorale::test {

namespace {

using namespace host;

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
    leave_child(good ? 0 : 1);
}

[[nodiscard]] Task<void> reboot(u32 mode, bool told) {
    Local<KnRebootDesc> how;
    co_await how.set({mode});
    co_await call(Call::sysReboot, told ? how.at().raw() : 0);
}

[[nodiscard]] Task<void> reboot_wrongly() {
    co_await store(free_data, KnRebootDesc{K_REBOOT_FAILURE + 1});
    EXPECT_EQ(co_await attempt(Call::sysReboot, free_data), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::sysReboot, nowhere), K_EFAULT);
}

// The other CPUs are up before the first one has made everything ready for them.
[[noreturn]] void boot_at_random() {
    begin_child();
    static Random random{5};
    static Lockstep engine{random};
    host::boot({}, engine);
    engine.use(plain_chooser());
    const Outcome outcome = host::run([](u64) -> Task<void> { co_await sleep(millisecond); });
    leave_child(outcome == Outcome::finished ? 0 : 1);
}

// Idle CPUs never halt: root waits, and the machine goes on all the same.
[[noreturn]] void boot_polling() {
    begin_child();
    static Lockstep engine;
    engine.set_patience(50'000);
    host::boot({.command_line = "poll=on "}, engine);
    leave_child(0); // it was idle
}

[[nodiscard]] Task<void> delete_the_last_actor() { co_await call(Call::actorDelete, 0); }

class Boot : public InChild {};

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
    EXPECT_EXIT(
        boot_and_play({.command_line = "fastpath=off poll=off ipc.credits=64"}, {exchanges, ports, moves}),
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
    EXPECT_EXIT(boot_and_play({.command_line = "run=root,nobody"}, {exchanges}), ExitedWithCode(aborted),
                "run=nobody: no such program.*not all that run= names");
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
    EXPECT_EXIT(play_in_child({}, [](u64) { return reboot(K_REBOOT_SUCCESS, true); }), ExitedWithCode(10),
                "");
    EXPECT_EXIT(play_in_child({}, [](u64) { return reboot(K_REBOOT_FAILURE, true); }), ExitedWithCode(11),
                "");
    EXPECT_EXIT(play_in_child({}, [](u64) { return reboot(K_REBOOT_COLD, true); }), ExitedWithCode(10), "");
    EXPECT_EXIT(play_in_child({}, [](u64) { return reboot(0, false); }), ExitedWithCode(10), "");
}

TEST_F(Boot, reboot_wrongly) { expect_clean(reboot_wrongly); }

TEST_F(Boot, at_random) { EXPECT_EXIT(boot_at_random(), ExitedWithCode(0), "4 running, 4 found"); }

TEST_F(Boot, always_polling) {
    EXPECT_EXIT(boot_polling(), ExitedWithCode(aborted), "boot came to nothing .2.");
}

TEST_F(Boot, last_actor_gone) {
    EXPECT_EXIT(play_in_child({}, [](u64) { return delete_the_last_actor(); }), ExitedWithCode(11),
                "nothing left to run");
}

} // namespace chorale::test
