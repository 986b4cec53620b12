// A tour is a grace period: liburcu says so.
#include "tests/free/load.hpp"
#include "tests/free/oracle.hpp"
#include "tests/free/world.hpp"

namespace chorale::test {

TEST(FreeRunning, a_tour_is_a_grace_period) {
    if (booted()) GTEST_SKIP() << "the oracle must be there from the beginning: a process of its own";
    observe(consult_oracle());
    Town town;
    run_load(town);
    const Verdicts found = dismiss_oracle();
    std::printf("%s\n", town.summary().c_str());
    std::printf("tours %lu, by liburcu %lu (of its %lu); CPUs ahead of one that it was right to wait for: "
                "%lu, by liburcu %lu; "
                "lookups %lu\n",
                found.tours, found.sampled, found.periods, found.early, found.early_sampled, found.lookups);
    EXPECT_EQ(found.wrong, 0u) << "a tour ended before a CPU had let go";
    EXPECT_EQ(found.wrong_sampled, 0u) << "liburcu would still wait when a tour ended";
    EXPECT_EQ(found.disagreements, 0u) << "liburcu does not know of a quiescent state";
    EXPECT_EQ(found.mail_in_entries, 0u) << "mail was handled in the middle of a call";
    EXPECT_EQ(found.dead_by_tour, 0u) << "held objects were poisoned after a tour";
    EXPECT_EQ(found.dead_by_liburcu, 0u) << "quiescent states are announced too early";
    EXPECT_EQ(found.lost_names, 0u) << "ports were freed while somebody held them";
    // It could have said otherwise.
    EXPECT_GT(found.sampled, 0u);
    EXPECT_GT(found.early, 0u);
    EXPECT_GT(found.early_sampled, 0u);
    EXPECT_GT(found.lookups, 0u);
    EXPECT_GT(found.periods, 0u);
}

} // namespace chorale::test
