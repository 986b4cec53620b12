// Message handlers that change while many threads are on their way to them. Much time passes in it: it is not
// played in all the ways that there are for the other scenarios.
#include "tests/machine/faults.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/solo.hpp"

namespace chorale::test {

TEST(MessageHandlers, that_change_amid_calls) {
    expect_clean(host::Program{handlers_that_change_amid_calls});
    for (u64 seed = 1; seed <= 6; ++seed) {
        Random random{seed};
        expect_clean(host::Program{handlers_that_change_amid_calls}, random, 100);
    }
}

TEST(MessageHandlers, that_change_while_copies_fail) {
    const Scenario scenario{"handlers_that_change_amid_calls", handlers_that_change_amid_calls};
    for (u64 seed = 1; seed <= 3 && !HasFailure(); ++seed) {
        Random memory{seed}, copies{seed + 1};
        EXPECT_EQ(play_without_memory(scenario, {50 * seed, 20, 3}, memory).findings, Findings{});
        EXPECT_EQ(play_with_bad_copies(scenario, {50 * seed, 20, 3}, copies).findings, Findings{});
    }
}

} // namespace chorale::test
