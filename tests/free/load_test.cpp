// The whole nucleus under a load that uses everything at once, on as many CPUs as the host has.
#include "arch/host/user.hpp"
#include "tests/free/load.hpp"
#include "tests/free/world.hpp"

namespace chorale::test {

TEST(FreeRunning, everything_at_once) {
    Town town;
    run_load(town);
    std::printf("%s\n", town.summary().c_str());
    for (unsigned event = 0; event < static_cast<unsigned>(Event::count); ++event)
        EXPECT_NE(town.counted(static_cast<Event>(event)), 0u) << "never seen: " << event;
}

} // namespace chorale::test
