#include "tests/machine/solo.hpp"

namespace chorale::test {

using namespace host;

Task<void> in_actor(std::function<Task<void>()> body, CpuIndex cpu, u32 privilege) {
    constexpr unsigned patience = 10'000; // milliseconds
    const auto stage = std::make_shared<Stage>();
    co_await stage->play(co_await stage->actor(false, privilege), [body](u64) { return body(); },
                         {.cpu = cpu, .stack = 1});
    co_await stage->end(patience);
}

void expect_clean(const Program& scenario, Chooser& chooser, unsigned steps_per_look) {
    for (const std::string& finding : run_once(scenario, chooser, steps_per_look)) ADD_FAILURE() << finding;
    for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
}

void expect_clean(Task<void> (*body)(), CpuIndex cpu) {
    expect_clean([=](u64) { return in_actor(body, cpu); });
}

} // namespace chorale::test
