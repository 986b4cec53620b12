#include "kernel/mem/slab.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace chorale::test {
namespace {

struct SlabTest : ::testing::Test {
    SlabTest() { start_memory(); }
    ~SlabTest() override { fail_allocation_after(0); }
};

struct Plain {
    explicit Plain(int value) : a{value} { ++living; }
    ~Plain() { --living; }
    int a;
    char rest[100]{};
    static inline std::atomic<int> living = 0;
};

struct alignas(64) Stable {
    u64 generation; // without an initialiser: what the memory holds
    u64 other{5};
    char rest[700];
};

constinit Cache<Plain> plains{"plain"};

TEST_F(SlabTest, ConstructsAndDestructs) {
    const OnCpu cpu{0};
    const auto object = plains.make(17);
    ASSERT_TRUE(object.ok());
    EXPECT_EQ(object.value()->a, 17);
    EXPECT_EQ(Plain::living, 1);
    EXPECT_EQ(plains.statistics().live, 1u);
    plains.destroy(object.value());
    EXPECT_EQ(Plain::living, 0);
    EXPECT_EQ(plains.statistics().live, 0u);
}

TEST_F(SlabTest, GivesItsFramesBack) {
    const OnCpu cpu{0};
    plains.trim();
    const u64 before = free_frame_count();
    std::vector<Plain*> objects;
    for (int i = 0; i < 5000; ++i) objects.push_back(plains.make(i).value());
    EXPECT_EQ(plains.statistics().live, 5000u);
    for (Plain* object : objects) plains.destroy(object);
    EXPECT_LE(plains.statistics().frames, 4u);
    plains.trim();
    EXPECT_EQ(plains.statistics().frames, 0u);
    EXPECT_EQ(free_frame_count(), before);
}

TEST_F(SlabTest, StableObjectsKeepTheirContentsForEver) {
    static constinit Cache<Stable, Reuse::stable> stables{"kept"};
    const OnCpu cpu{0};
    std::vector<Stable*> objects;
    for (u64 i = 0; i < 500; ++i) {
        Stable* const object = stables.make().value();
        EXPECT_EQ(reinterpret_cast<uword>(object) % 64, 0u);
        EXPECT_EQ(object->generation, 0u);
        EXPECT_EQ(object->other, 5u);
        for (const char byte : object->rest) ASSERT_EQ(byte, 0);
        object->generation = 1000 + i;
        std::memset(object->rest, static_cast<int>(i), sizeof object->rest);
        objects.push_back(object);
    }
    const u64 frames = stables.statistics().frames;
    const std::vector<Stable*> stale = objects;
    for (Stable* object : objects) stables.destroy(object);
    EXPECT_EQ(stables.statistics().frames, frames);
    EXPECT_EQ(stables.statistics().live, 0u);
    std::set<u64> generations;
    for (u64 i = 0; i < stale.size(); ++i) {
        EXPECT_EQ(stale[i]->generation, 1000 + i);
        for (const char byte : stale[i]->rest) ASSERT_EQ(byte, static_cast<char>(i));
    }
    for (u64 i = 0; i < 500; ++i) generations.insert(stables.make().value()->generation);
    EXPECT_EQ(generations.size(), 500u); // the same objects, as they were left
    EXPECT_EQ(stables.statistics().frames, frames);
    stables.trim();
    EXPECT_EQ(stables.statistics().frames, frames);
    for (Stable* object : stale) stables.destroy(object);
}

TEST_F(SlabTest, PanicsOnASecondOrForeignFree) {
    const OnCpu cpu{0};
    Plain* const object = plains.make(1).value();
    Plain* const other = plains.make(2).value();
    plains.destroy(object);
    --Plain::living;
    EXPECT_THROW(plains.destroy(object), Panic);
    Plain::living = 1;
    static constinit SlabCache small{"small", 24, 8, Reuse::any};
    EXPECT_THROW(small.free(other), Panic);
    void* const piece = small.allocate().value();
    EXPECT_THROW(small.free(static_cast<char*>(piece) + 8), Panic);
    small.free(piece);
    plains.destroy(other);
}

// None overlaps another or the bookkeeping. This thread is no CPU: no magazines, and the cache is not listed.
TEST_F(SlabTest, EverySizeFits) {
    for (u32 size = 1; size <= 8192; size = size < 40 ? size + 1 : size * 5 / 4 + 3) {
        SlabCache cache{"sized", size, 8, Reuse::any};
        const u64 before = free_frame_count();
        std::vector<std::byte*> objects;
        const unsigned count = size < 512 ? 600 : 40;
        for (unsigned i = 0; i < count; ++i) {
            const auto object = cache.allocate();
            ASSERT_TRUE(object.ok());
            std::memset(object.value(), static_cast<int>(i), size);
            objects.push_back(static_cast<std::byte*>(object.value()));
        }
        for (unsigned i = 0; i < count; ++i) {
            for (u32 at = 0; at < size; ++at) ASSERT_EQ(objects[i][at], static_cast<std::byte>(i));
            cache.free(objects[i]);
        }
        cache.trim();
        EXPECT_EQ(free_frame_count(), before) << size;
    }
}

TEST_F(SlabTest, FailsCleanlyAtEveryAllocation) {
    const OnCpu cpu{0};
    plains.trim();
    const u64 before = free_frame_count();
    for (u64 n = 1; n < 60; ++n) {
        fail_allocation_after(n);
        std::vector<Plain*> objects;
        unsigned refused = 0;
        for (int i = 0; i < 100; ++i) {
            const auto object = plains.make(i);
            if (object.ok())
                objects.push_back(object.value());
            else
                ++refused;
        }
        EXPECT_EQ(refused, 1u) << n;
        for (Plain* object : objects) plains.destroy(object);
        plains.trim();
        ASSERT_EQ(free_frame_count(), before);
    }
}

TEST_F(SlabTest, GivesNoObjectToTwoCpus) {
    static constinit Cache<Stable, Reuse::stable> stables{"shared"};
    constexpr u32 cpus = 4;
    std::vector<std::thread> threads;
    std::atomic<u64> errors{0};
    std::mutex lock;
    std::vector<Stable*> passed; // freed by another CPU than the one that allocated
    for (u32 index = 0; index < cpus; ++index) {
        threads.emplace_back([&, index] {
            const OnCpu cpu{index};
            std::mt19937 random{index};
            std::vector<Stable*> mine;
            for (int step = 0; step < 30'000; ++step) {
                if (random() % 2 == 0 || mine.empty()) {
                    const auto made = stables.make();
                    if (!made.ok()) continue;
                    made.value()->generation = index;
                    mine.push_back(made.value());
                    continue;
                }
                Stable* object = mine.back();
                mine.pop_back();
                if (object->generation != index) ++errors;
                if (random() % 4 == 0) {
                    const std::lock_guard held{lock};
                    object->generation = cpus;
                    passed.push_back(object);
                    if (passed.size() < 20) continue;
                    object = passed.front();
                    passed.erase(passed.begin());
                    if (object->generation != cpus) ++errors;
                }
                stables.destroy(object);
            }
            for (Stable* object : mine) stables.destroy(object);
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(errors, 0u);
    for (Stable* object : passed) stables.destroy(object);
    EXPECT_EQ(stables.statistics().live, 0u);
}

TEST_F(SlabTest, ListsTheCachesThatWereUsed) {
    const OnCpu cpu{0};
    plains.destroy(plains.make(0).value());
    bool found = false;
    for (unsigned i = 0; SlabCache* const cache = slab_cache_at(i); ++i) {
        if (cache->statistics().name == "plain") found = true;
    }
    EXPECT_TRUE(found);
}

} // namespace
} // namespace chorale::test
