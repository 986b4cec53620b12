#include "kernel/mem/buddy.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace chorale::test {
namespace {

using boot::MemoryRange;

constexpr u64 mib = u64{1} << 20;
constexpr u64 start = u64{4} << 30; // away from the global allocator's memory
constexpr u32 first_frame = static_cast<u32>(start >> page_bits);

struct BuddyTest : ::testing::Test {
    FrameStates states;
    Buddy buddy;

    void open(std::vector<MemoryRange> ranges) { buddy.open(ranges, states); }

    std::vector<u32> take_all(unsigned order) {
        std::vector<u32> blocks;
        while (const u32 block = buddy.allocate(order)) blocks.push_back(block);
        return blocks;
    }
};

TEST_F(BuddyTest, TakesItsTableFromTheMemory) {
    open({{start, start + 64 * mib}});
    EXPECT_EQ(buddy.metadata(), 13u); // 16384 times a state and a count of owners, and the list of ranges
    EXPECT_EQ(buddy.total(), 16384u - 13);
    EXPECT_EQ(buddy.free_frames(), buddy.total());
    EXPECT_EQ(buddy.ignored(), 0u);
}

TEST_F(BuddyTest, GivesEveryFrameExactlyOnce) {
    open({{start + mib, start + 3 * mib},
          {start + 5 * mib + 4096, start + 9 * mib},
          {start + 16 * mib, start + 20 * mib}});
    const std::vector<u32> frames = take_all(0);
    EXPECT_EQ(frames.size(), buddy.total());
    EXPECT_EQ(buddy.free_frames(), 0u);
    std::map<u32, int> seen;
    for (const u32 frame : frames) {
        ++seen[frame];
        const u64 address = u64{frame} << page_bits;
        const u64 offset = address - start;
        EXPECT_TRUE((offset >= mib && offset < 3 * mib) || (offset >= 5 * mib + 4096 && offset < 9 * mib) ||
                    (offset >= 16 * mib && offset < 20 * mib));
    }
    EXPECT_EQ(seen.size(), frames.size());
    for (const u32 frame : frames) buddy.free(frame, 0);
    EXPECT_EQ(buddy.free_frames(), buddy.total());
    EXPECT_EQ(take_all(largest_order).size(), 1u); // 16 to 20 MiB, made whole again
}

TEST_F(BuddyTest, MergesWhateverTheOrderOfFreeing) {
    std::mt19937 random{7};
    open({{start, start + 64 * mib}});
    const std::size_t whole = take_all(largest_order).size();
    EXPECT_EQ(whole, 15u);
    open({{start, start + 64 * mib}});
    for (int round = 0; round < 3; ++round) {
        std::vector<u32> frames = take_all(0);
        std::shuffle(frames.begin(), frames.end(), random);
        for (const u32 frame : frames) buddy.free(frame, 0);
    }
    EXPECT_EQ(take_all(largest_order).size(), whole);
}

TEST_F(BuddyTest, AgreesWithAModelUnderRandomUse) {
    std::mt19937 random{42};
    open({{start + 3 * 4096, start + 7 * mib}, {start + 9 * mib, start + 31 * mib + 8 * 4096}});
    std::map<u32, unsigned> taken;
    u64 used = 0;
    for (int step = 0; step < 60'000; ++step) {
        if (random() % 100 < 55 || taken.empty()) {
            const unsigned order = random() % 100 < 80 ? random() % 3 : random() % frame_orders;
            const u32 block = buddy.allocate(order);
            if (block == Buddy::no_frame) continue;
            const u32 size = u32{1} << order;
            ASSERT_EQ(block % size, 0u);
            const auto after = taken.lower_bound(block);
            ASSERT_TRUE(after == taken.end() || after->first >= block + size);
            if (after != taken.begin()) {
                const auto before = std::prev(after);
                ASSERT_LE(before->first + (u32{1} << before->second), block);
            }
            taken[block] = order;
            used += size;
        } else {
            auto victim = taken.lower_bound(first_frame + static_cast<u32>(random() % 8192));
            if (victim == taken.end()) victim = taken.begin();
            buddy.free(victim->first, victim->second);
            used -= u64{1} << victim->second;
            taken.erase(victim);
        }
        ASSERT_EQ(buddy.free_frames(), buddy.total() - used);
    }
    for (const auto& [block, order] : taken) buddy.free(block, order);
    EXPECT_EQ(buddy.free_frames(), buddy.total());
    EXPECT_EQ(take_all(largest_order).size(), 4u); // 12 to 28 MiB
}

TEST_F(BuddyTest, PanicsOnAWrongFree) {
    open({{start, start + 8 * mib}});
    const u32 block = buddy.allocate(3);
    EXPECT_THROW(buddy.free(block, 2), Panic);
    EXPECT_THROW(buddy.free(block + 1, 0), Panic);
    EXPECT_THROW(buddy.free(1, 0), Panic);
    buddy.free(block, 3);
    EXPECT_THROW(buddy.free(block, 3), Panic);
    // A block that was merged into its buddy is still known to be free.
    while (buddy.allocate(0) % 2 == 0) {
    } // up to the second of a pair
    const u32 low = buddy.allocate(0);
    const u32 high = buddy.allocate(0);
    ASSERT_EQ(low ^ 1, high);
    buddy.free(low, 0);
    buddy.free(high, 0);
    EXPECT_THROW(buddy.free(high, 0), Panic);
}

TEST_F(BuddyTest, FreesTheFramesOfASplitBlockOneByOne) {
    open({{start, start + 8 * mib}});
    const u32 block = buddy.allocate(9);
    EXPECT_FALSE(states.split(block, 8));
    EXPECT_TRUE(states.split(block, 9));
    EXPECT_THROW(buddy.free(block, 9), Panic);
    for (u32 i = 0; i < 512; ++i) buddy.free(block + i, 0);
    EXPECT_EQ(buddy.free_frames(), buddy.total());
    EXPECT_NE(buddy.allocate(9), Buddy::no_frame);
}

TEST_F(BuddyTest, LeavesOutMemoryBeyondAHugeHole) {
    open({{start, start + 64 * mib}, {u64{1} << 40, (u64{1} << 40) + 64 * mib}});
    EXPECT_EQ(buddy.ignored(), 16384u);
    EXPECT_EQ(take_all(0).size(), buddy.total());
}

TEST_F(BuddyTest, CutsRangesToWholeFramesAndNeverGivesFrameZero) {
    open({{0, 64 * mib + 100}});
    EXPECT_EQ(buddy.total() + buddy.metadata(), 16383u);
    for (const u32 frame : take_all(0)) ASSERT_NE(frame, 0u);
    open({{start + 1, start + 4095}, {start + mib, start + 2 * mib}, {u64{1} << 50, u64{1} << 51}});
    EXPECT_EQ(buddy.total() + buddy.metadata(), 256u);
}

// 1 TiB: the tables are reserved, not written.
TEST_F(BuddyTest, OpensATerabyteAtOnce) {
    open({{start, start + (u64{1} << 40)}});
    EXPECT_EQ(buddy.metadata(), (u64{3} << 28) / page_size + 1);
    const u32 block = buddy.allocate(largest_order);
    EXPECT_NE(block, Buddy::no_frame);
    buddy.free(block, largest_order);
}

TEST_F(BuddyTest, PanicsWithoutMemory) {
    EXPECT_THROW(open({}), Panic);
    open({{start, start + 4096}}); // just enough for the table
    EXPECT_EQ(buddy.allocate(0), Buddy::no_frame);
}

} // namespace
} // namespace chorale::test
