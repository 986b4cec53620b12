#include "kernel/mem/frame.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <machine/mmu.hpp>

namespace chorale::test {
namespace {

struct FrameTest : ::testing::Test {
    FrameTest() { start_memory(); }
    ~FrameTest() override { fail_allocation_after(0); }
};

TEST_F(FrameTest, WorksBeforeThereAreCpus) {
    const u64 before = free_frame_count();
    const auto frame = allocate_frame();
    const auto block = allocate_frames(5);
    ASSERT_TRUE(frame.ok() && block.ok());
    EXPECT_EQ(block.value().raw() % order_bytes(5), 0u);
    EXPECT_EQ(free_frame_count(), before - 33);
    free_frame(frame.value());
    EXPECT_THROW(free_frame(frame.value()), Panic);
    free_frames(block.value(), 5);
    EXPECT_EQ(free_frame_count(), before);
}

TEST_F(FrameTest, KeepsSingleFramesAtHand) {
    const OnCpu cpu{0};
    const u64 before = free_frame_count();
    const auto first = allocate_frame();
    free_frame(first.value());
    const auto second = allocate_frame();
    EXPECT_EQ(first.value(), second.value());
    EXPECT_GT(frame_statistics().cached, 0u);
    free_frame(second.value());
    EXPECT_EQ(free_frame_count(), before);
}

TEST_F(FrameTest, FindsASecondFreeInTheCache) {
    const OnCpu cpu{0};
    const auto frame = allocate_frame();
    free_frame(frame.value());
    EXPECT_THROW(free_frame(frame.value()), Panic);
    EXPECT_THROW(free_frame(PhysAddr{frame.value().raw() + 1}), Panic);
    EXPECT_THROW(free_frame(PhysAddr{~uword{0} << page_bits}), Panic);
    const auto block = allocate_frames(2);
    EXPECT_THROW(free_frame(block.value()), Panic);
    EXPECT_THROW(free_frames(block.value(), 3), Panic);
    free_frames(block.value(), 2);
}

[[nodiscard]] std::size_t count_largest_blocks() {
    std::vector<PhysAddr> blocks;
    for (auto block = allocate_frames(largest_order); block.ok(); block = allocate_frames(largest_order)) {
        blocks.push_back(block.value());
    }
    for (const PhysAddr block : blocks) free_frames(block, largest_order);
    return blocks.size();
}

TEST_F(FrameTest, IsExhaustedCleanly) {
    drain_caches();
    const OnCpu cpu{0};
    const std::size_t blocks = count_largest_blocks();
    EXPECT_GT(blocks, 0u);
    const u64 before = free_frame_count();
    std::set<uword> frames;
    for (;;) {
        const auto frame = allocate_frame();
        if (!frame.ok()) {
            EXPECT_EQ(frame.status(), Status::no_memory);
            break;
        }
        ASSERT_TRUE(frames.insert(frame.value().raw()).second);
    }
    EXPECT_EQ(frames.size(), before);
    EXPECT_EQ(allocate_frames(1).status(), Status::no_memory);
    for (const uword frame : frames) free_frame(PhysAddr{frame});
    EXPECT_EQ(free_frame_count(), before);
    // Whole again although the last frames still lie in the cache: the block's request empties it.
    EXPECT_EQ(count_largest_blocks(), blocks);
    EXPECT_EQ(free_frame_count(), before);
}

TEST_F(FrameTest, FailsTheOrderedAllocationOnce) {
    const OnCpu cpu{0};
    for (u64 n = 1; n < 20; ++n) {
        fail_allocation_after(n);
        std::vector<PhysAddr> got;
        for (u64 i = 1; i < 24; ++i) {
            const auto frame = i % 2 == 0 ? allocate_frame() : allocate_frames(0);
            EXPECT_EQ(frame.ok(), i != n);
            if (frame.ok()) got.push_back(frame.value());
        }
        EXPECT_EQ(allocations_before_failure(), 0u);
        for (const PhysAddr frame : got) free_frame(frame);
    }
}

TEST_F(FrameTest, GivesNoFrameToTwoCpus) {
    const u64 before = free_frame_count();
    constexpr int cpus = 4;
    std::vector<std::thread> threads;
    std::atomic<u64> errors{0};
    for (u32 index = 0; index < cpus; ++index) {
        threads.emplace_back([index, &errors] {
            const OnCpu cpu{index};
            std::mt19937 random{index};
            std::vector<std::pair<PhysAddr, unsigned>> mine;
            for (int step = 0; step < 40'000; ++step) {
                if (random() % 2 == 0 || mine.empty()) {
                    const unsigned order = random() % 16 == 0 ? random() % 6 : 0;
                    const auto block = allocate_frames(order);
                    if (!block.ok()) continue;
                    *machine::direct<u32>(block.value()) = index;
                    mine.emplace_back(block.value(), order);
                } else {
                    const std::size_t at = random() % mine.size();
                    if (*machine::direct<u32>(mine[at].first) != index) ++errors;
                    free_frames(mine[at].first, mine[at].second);
                    mine[at] = mine.back();
                    mine.pop_back();
                }
            }
            for (const auto& [block, order] : mine) free_frames(block, order);
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(errors, 0u);
    EXPECT_EQ(free_frame_count(), before);
}

} // namespace
} // namespace chorale::test
