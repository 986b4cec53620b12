// The free-running engine itself: what a run comes to, and that its threads end wherever the CPUs are. Each
// in a process of its own, as a machine boots once.
#include "arch/host/user.hpp"
#include "tests/free/world.hpp"

namespace chorale::test {

namespace {

using namespace host;

// Boots, runs, ends the CPUs. In the process of a death test.
[[noreturn]] void run_and_exit(const Program& scenario, Outcome expected) {
    auto engine = std::make_unique<FreeRunning>();
    boot({.cpus = cpus, .console = false}, *engine);
    engine->set_patience(1);
    const Outcome outcome = run(scenario);
    engine.reset();
    std::_Exit(outcome == expected ? 0 : 1);
}

[[nodiscard]] Task<void> wait_for_ever() {
    static_cast<void>(co_await message_receive(K_DEFAULTPORT));
    ADD_FAILURE() << "nobody has sent anything";
}

[[nodiscard]] Task<void> run_for_ever() {
    for (;;) co_await pause();
}

[[nodiscard]] Task<void> end_the_machine() {
    Local<KnRebootDesc> how;
    co_await how.set({K_REBOOT_SUCCESS});
    static_cast<void>(co_await call(Call::sysReboot, how.at()));
}

// While another CPU never waits and a third one spins for it.
[[nodiscard]] Task<void> end_among_the_busy() {
    const KnCap actor = co_await create_actor();
    for (CpuIndex cpu = 1; cpu < cpus; ++cpu)
        EXPECT_GT(
            co_await start_thread(actor, [](u64) { return run_for_ever(); }, {.cpu = cpu, .stack = cpu}), 0);
    co_await end_the_machine();
}

struct FreeRunningEngine : ::testing::Test {
    FreeRunningEngine() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

const auto good = ::testing::ExitedWithCode(0);

} // namespace

TEST_F(FreeRunningEngine, a_scenario_that_ends_is_finished) {
    EXPECT_EXIT(run_and_exit([](u64) -> Task<void> { co_return; }, Outcome::finished), good, "");
}

TEST_F(FreeRunningEngine, cpus_that_wait_without_an_alarm_are_stuck) {
    EXPECT_EXIT(run_and_exit([](u64) { return wait_for_ever(); }, Outcome::stuck), good, "");
}

TEST_F(FreeRunningEngine, a_program_without_an_end_is_endless) {
    EXPECT_EXIT(run_and_exit([](u64) { return run_for_ever(); }, Outcome::endless), good, "");
}

TEST_F(FreeRunningEngine, a_machine_that_ends_is_stopped) {
    EXPECT_EXIT(run_and_exit([](u64) { return end_the_machine(); }, Outcome::stopped), good, "");
}

TEST_F(FreeRunningEngine, a_machine_ends_while_its_cpus_work) {
    EXPECT_EXIT(run_and_exit([](u64) { return end_among_the_busy(); }, Outcome::stopped), good, "");
}

} // namespace chorale::test
