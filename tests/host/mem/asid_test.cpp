#include "kernel/mem/asid.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <machine/mmu.hpp>

#include <set>
#include <thread>
#include <vector>

namespace chorale::test {
namespace {

struct AsidTest : ::testing::Test {
    ~AsidTest() override { machine::set_asid_limit(4096); }
};

TEST_F(AsidTest, GivesEachOnceAndNeverZero) {
    ASSERT_EQ(asids_in_use(), 0u);
    std::set<unsigned> taken;
    for (unsigned asid = allocate_asid(); asid != 0; asid = allocate_asid()) {
        EXPECT_LT(asid, 4096u);
        ASSERT_TRUE(taken.insert(asid).second);
    }
    EXPECT_EQ(taken.size(), 4095u);
    free_asid(77);
    EXPECT_EQ(allocate_asid(), 77u);
    for (const unsigned asid : taken) free_asid(asid);
    EXPECT_EQ(asids_in_use(), 0u);
}

TEST_F(AsidTest, ComesRoundAsLateAsPossible) {
    const unsigned first = allocate_asid();
    free_asid(first);
    for (int i = 0; i < 4094; ++i) {
        const unsigned asid = allocate_asid();
        ASSERT_NE(asid, first);
        free_asid(asid);
    }
    const unsigned again = allocate_asid();
    EXPECT_EQ(again, first);
    free_asid(again);
}

TEST_F(AsidTest, RespectsTheMachine) {
    machine::set_asid_limit(1);
    EXPECT_EQ(allocate_asid(), 0u);
    machine::set_asid_limit(70);
    std::vector<unsigned> taken;
    for (unsigned asid = allocate_asid(); asid != 0; asid = allocate_asid()) taken.push_back(asid);
    EXPECT_EQ(taken.size(), 69u);
    for (const unsigned asid : taken) free_asid(asid);
    free_asid(0);
    EXPECT_THROW(free_asid(5), Panic);
}

TEST_F(AsidTest, ManyCpusShareThePool) {
    std::vector<std::thread> threads;
    std::array<std::atomic<int>, 4096> holders{};
    std::atomic<int> errors{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int step = 0; step < 20'000; ++step) {
                const unsigned asid = allocate_asid();
                if (holders[asid].fetch_add(1) != 0) ++errors;
                holders[asid].fetch_sub(1);
                free_asid(asid);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(errors, 0);
    EXPECT_EQ(asids_in_use(), 0u);
}

} // namespace
} // namespace chorale::test
