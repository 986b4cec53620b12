#include "kernel/mem/asid.hpp"
#include "kernel/mem/space.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <machine/user_access.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <vector>

namespace chorale::test {
namespace {

constexpr Protection read_only = Protection::read;
constexpr Protection read_write = Protection::read | Protection::write;
constexpr u64 plenty = 1'000'000;

void destroy(Space& space) {
    machine::load_root(0);
    space.whole_flush().apply(0);
    int steps = 0;
    while (!space.destroy_step()) ASSERT_LT(++steps, 100'000);
}

struct SpaceTest : ::testing::Test {
    SpaceTest() {
        start_memory();
        EXPECT_EQ(space.create(plenty), Status::ok);
        EXPECT_TRUE(space.allocate(page_size, read_write).ok());
        destroy(space); // the first slab of regions stays from now on
        frames = free_frame_count();
        EXPECT_EQ(space.create(plenty), Status::ok);
        space.enter_cpu(0);
        machine::load_root(space.root());
    }
    ~SpaceTest() override {
        fail_allocation_after(0);
        destroy(space);
        machine::set_asid_limit(4096);
        EXPECT_EQ(live_regions(), 0u);
        EXPECT_EQ(asids_in_use(), 0u);
    }

    [[nodiscard]] Status free(VirtAddr at, uword size) {
        return space.free({at, at + size}, [&](const TlbFlush& flush) { flush.apply(space.root()); });
    }
    [[nodiscard]] Status protect(VirtAddr at, uword size, Protection protection) {
        return space.protect({at, at + size}, protection,
                             [&](const TlbFlush& flush) { flush.apply(space.root()); });
    }
    [[nodiscard]] bool readable(VirtAddr at) {
        std::byte byte;
        const bool user = machine::copy_in(&byte, at, 1);
        EXPECT_EQ(space.copy_from({&byte, 1}, at) == Status::ok, user);
        return user;
    }
    [[nodiscard]] bool writable(VirtAddr at) {
        const std::byte byte{0x5a};
        const bool user = machine::copy_out(at, &byte, 1);
        EXPECT_EQ(space.copy_to(at, {&byte, 1}) == Status::ok, user);
        return user;
    }

    u64 frames{};
    Space space;
};

TEST_F(SpaceTest, GivesZeroedMemory) {
    const auto at = space.allocate(10 * page_size - 5, read_write);
    ASSERT_TRUE(at.ok());
    std::vector<std::byte> bytes(10 * page_size, std::byte{1});
    ASSERT_EQ(space.copy_from(bytes, at.value()), Status::ok);
    EXPECT_EQ(std::ranges::count(bytes, std::byte{0}), 10 * page_size);
    EXPECT_TRUE(writable(at.value() + 10 * page_size - 1));
    EXPECT_FALSE(readable(at.value() + 10 * page_size));
    EXPECT_EQ(space.region_at(at.value() + 5).value().range.size(), 10 * page_size);
    EXPECT_EQ(space.region_at(at.value() - 1).status(), Status::address);
}

TEST_F(SpaceTest, RefusesBadRanges) {
    const VirtAddr at{0x400000};
    EXPECT_EQ(space.allocate(page_size, read_write, at + 1).status(), Status::round);
    EXPECT_EQ(space.allocate(page_size, read_write, VirtAddr{0}).status(), Status::address);
    EXPECT_EQ(space.allocate(page_size, read_write, Space::user_end()).status(), Status::address);
    const VirtAddr last = Space::user_end() - page_size;
    EXPECT_EQ(space.allocate(2 * page_size, read_write, last).status(), Status::address);
    const VirtAddr end{~uword{0} - 2 * page_size + 1};
    EXPECT_EQ(space.allocate(page_size, read_write, end).status(), Status::address);
    EXPECT_EQ(space.allocate(0, read_write).status(), Status::size);
    EXPECT_EQ(space.allocate(~uword{0}, read_write).status(), Status::size);
    EXPECT_EQ(space.allocate(uword{1} << 46, read_write).status(), Status::no_memory);
    ASSERT_TRUE(space.allocate(4 * page_size, read_write, at).ok());
    EXPECT_EQ(space.allocate(page_size, read_write, at + 3 * page_size).status(), Status::overlap);
    EXPECT_EQ(space.allocate(2 * page_size, read_write, at - page_size).status(), Status::overlap);
    EXPECT_EQ(free(at + 1, page_size), Status::round);
    EXPECT_EQ(free(at + 8 * page_size, page_size), Status::address);
    EXPECT_EQ(free(at, 0), Status::size);
    std::byte byte{};
    EXPECT_EQ(space.copy_to(VirtAddr{~uword{0}}, {&byte, 1}), Status::fault);
    EXPECT_EQ(space.copy_to(Space::user_end(), {&byte, 1}), Status::fault);
    EXPECT_EQ(space.map_physical(PhysAddr{1}, page_size, read_only).status(), Status::round);
    EXPECT_EQ(space.map_physical(PhysAddr{~uword{0} << 12}, page_size, read_only).status(), Status::address);
}

TEST_F(SpaceTest, UsesLargePagesWhereTheyFit) {
    const auto at = space.allocate(3 * large_page_size + 3 * page_size, read_write);
    ASSERT_TRUE(at.ok());
    EXPECT_EQ(at.value().raw() % large_page_size, 0u);
    EXPECT_LT(space.pages(), 3 * 512 + 3 + 6u);
    // Out of the middle of a large page: the rest stays.
    const VirtAddr hole = at.value() + large_page_size + 7 * page_size;
    EXPECT_TRUE(writable(hole - 1));
    EXPECT_EQ(free(hole, 2 * page_size), Status::ok);
    EXPECT_TRUE(writable(hole - 1));
    EXPECT_FALSE(readable(hole));
    EXPECT_FALSE(readable(hole + 2 * page_size - 1));
    EXPECT_TRUE(writable(hole + 2 * page_size));
    EXPECT_EQ(space.regions(), 2u);
    EXPECT_EQ(free(at.value(), 4 * large_page_size), Status::ok);
    EXPECT_EQ(space.regions(), 0u);
    EXPECT_EQ(space.pages(), 1u);
}

TEST_F(SpaceTest, StacksHaveAGuard) {
    const auto stack = space.allocate_stack(5 * page_size);
    ASSERT_TRUE(stack.ok());
    EXPECT_TRUE(writable(stack.value() - 1));
    EXPECT_TRUE(writable(stack.value() - 5 * page_size));
    EXPECT_FALSE(readable(stack.value() - 5 * page_size - 1));
    EXPECT_EQ(space.allocate(page_size, read_write, stack.value() - 6 * page_size).status(), Status::overlap);
    EXPECT_EQ(free(stack.value() - 6 * page_size, 6 * page_size), Status::ok);
    EXPECT_EQ(space.regions(), 0u);
    EXPECT_EQ(space.pages(), 1u);
}

// Parts of one region: what has not been put there never comes.
TEST_F(SpaceTest, SparseRegionsHaveGuardsBetweenTheirParts) {
    const auto made = space.reserve_sparse(8 * page_size);
    ASSERT_TRUE(made.ok());
    const VirtAddr at = made.value();
    EXPECT_EQ(space.fill_part({at + page_size, at + 3 * page_size}), Status::ok);
    EXPECT_EQ(space.fill_part({at + 4 * page_size, at + 8 * page_size}), Status::ok);
    EXPECT_EQ(space.regions(), 1u);
    for (unsigned page = 0; page < 8; ++page) {
        const bool guard = page == 0 || page == 3;
        EXPECT_NE(writable(at + page * page_size), guard) << page;
        EXPECT_EQ(space.resolve(at + page * page_size, Protection::write) == Status::ok, !guard) << page;
    }
    EXPECT_EQ(free(at, 8 * page_size), Status::ok);
    EXPECT_EQ(space.regions(), 0u);
    EXPECT_EQ(space.pages(), 1u);
}

TEST_F(SpaceTest, APartOfASparseRegionComesWholeOrNotAtAll) {
    const auto made = space.reserve_sparse(8 * page_size);
    ASSERT_TRUE(made.ok());
    const VirtRange part{made.value() + page_size, made.value() + 7 * page_size};
    for (const u64 limit : {3u, 6u, 9u}) { // the tables take three
        space.set_page_limit(limit);
        EXPECT_EQ(space.fill_part(part), Status::no_memory);
        EXPECT_FALSE(readable(part.begin));
    }
    space.set_page_limit(10);
    EXPECT_EQ(space.fill_part(part), Status::ok);
    EXPECT_TRUE(writable(part.begin));
    EXPECT_EQ(free(made.value(), 8 * page_size), Status::ok);
    EXPECT_EQ(space.pages(), 1u);
}

TEST_F(SpaceTest, LoadsSegments) {
    std::vector<std::byte> file(3 * page_size + 100);
    for (std::size_t i = 0; i < file.size(); ++i) file[i] = static_cast<std::byte>(i * 7 + 1);
    const VirtAddr at{0x401234};
    ASSERT_EQ(space.map_segment(at, 6 * page_size, file, Protection::read | Protection::execute), Status::ok);
    std::vector<std::byte> back(6 * page_size);
    ASSERT_EQ(space.copy_from(back, at), Status::ok);
    EXPECT_EQ(std::memcmp(back.data(), file.data(), file.size()), 0);
    for (std::size_t i = file.size(); i < back.size(); ++i) ASSERT_EQ(back[i], std::byte{0});
    EXPECT_FALSE(writable(at));
    std::byte before{1};
    EXPECT_EQ(space.copy_from({&before, 1}, at - 1), Status::ok);
    EXPECT_EQ(before, std::byte{0});
    EXPECT_EQ(space.map_segment(at, page_size, {}, read_only), Status::overlap);
    EXPECT_EQ(space.map_segment(VirtAddr{0x900000}, 5, file, read_only), Status::size);
    EXPECT_EQ(space.map_segment(VirtAddr{0x900000}, 0, {}, read_only), Status::size);
    EXPECT_EQ(space.map_segment(VirtAddr{0x900010}, 10, {file.data(), 10}, read_only), Status::ok);
    EXPECT_TRUE(readable(VirtAddr{0x900fff}));
}

TEST_F(SpaceTest, ProtectionChangesAreSeen) {
    const VirtAddr at = space.allocate(2 * large_page_size, read_write).value();
    EXPECT_TRUE(writable(at + 5 * page_size));
    EXPECT_EQ(protect(at + 5 * page_size, page_size, read_only), Status::ok);
    EXPECT_EQ(space.regions(), 3u);
    EXPECT_FALSE(writable(at + 5 * page_size));
    EXPECT_TRUE(readable(at + 5 * page_size));
    EXPECT_TRUE(writable(at + 6 * page_size));
    EXPECT_TRUE(writable(at + 4 * page_size));
    EXPECT_EQ(protect(at, 2 * large_page_size, Protection::none), Status::ok);
    EXPECT_FALSE(readable(at));
    EXPECT_FALSE(readable(at + large_page_size));
    EXPECT_EQ(protect(at, large_page_size, read_write), Status::ok);
    EXPECT_TRUE(writable(at));
    EXPECT_FALSE(readable(at + large_page_size));
    std::byte byte{};
    EXPECT_EQ(space.copy_from({&byte, 1}, at + 5 * page_size), Status::ok);
    EXPECT_EQ(byte, std::byte{0x5a});
    EXPECT_EQ(free(at, 2 * large_page_size), Status::ok);
    EXPECT_EQ(space.pages(), 1u);
}

TEST_F(SpaceTest, BorrowedFramesAreNotFreed) {
    const auto block = allocate_frames(3);
    const auto at = space.map_physical(block.value(), order_bytes(3), read_write);
    ASSERT_TRUE(at.ok());
    EXPECT_TRUE(writable(at.value() + 3 * page_size + 9));
    EXPECT_EQ(machine::direct<u8>(block.value())[3 * page_size + 9], 0x5a);
    EXPECT_EQ(free(at.value() + page_size, page_size), Status::ok);
    const Protection registers = read_write | Protection::device;
    const VirtAddr device = space.map_physical(PhysAddr{0xfee00000}, page_size, registers).value();
    std::byte byte{};
    EXPECT_EQ(space.copy_from({&byte, 1}, device), Status::fault);
    destroy(space);
    free_frames(block.value(), 3);
    EXPECT_EQ(free_frame_count(), frames);
}

TEST_F(SpaceTest, KeepsItsLimit) {
    space.set_page_limit(20);
    EXPECT_EQ(space.allocate(30 * page_size, read_write).status(), Status::no_memory);
    EXPECT_EQ(space.pages(), 1u);
    EXPECT_EQ(space.regions(), 0u);
    EXPECT_TRUE(space.allocate(16 * page_size, read_write).ok()); // and three tables
    EXPECT_EQ(space.pages(), 20u);
    EXPECT_EQ(space.allocate(page_size, read_write, VirtAddr{0x400000}).status(), Status::no_memory);
    EXPECT_EQ(space.pages(), 20u);
}

TEST_F(SpaceTest, TheNumberOfRegionsIsBounded) {
    const VirtAddr at{0x400000};
    for (unsigned i = 0; i < RegionList::limit; ++i) {
        ASSERT_TRUE(space.allocate(page_size, read_write, at + 2 * i * page_size).ok());
    }
    EXPECT_EQ(space.allocate(page_size, read_write).status(), Status::no_memory);
    EXPECT_EQ(free(at, 2 * RegionList::limit * page_size), Status::ok);
    EXPECT_EQ(space.regions(), 0u);
}

// Two operations on one range: the second is told so; what is claimed meanwhile in a hole is left alone.
TEST_F(SpaceTest, OperationsKeepOutOfEachOther) {
    const VirtAddr at{0x400000};
    ASSERT_TRUE(space.allocate(4 * page_size, read_write, at).ok());
    RangeWork work;
    ASSERT_EQ(space.begin_free({at, at + 16 * page_size}, work), Status::ok);
    EXPECT_EQ(free(at + page_size, page_size), Status::busy);
    EXPECT_EQ(protect(at, page_size, read_only), Status::busy);
    EXPECT_EQ(space.allocate(page_size, read_write, at).status(), Status::overlap);
    const VirtAddr hole = at + 8 * page_size;
    ASSERT_TRUE(space.allocate(page_size, read_write, hole).ok());
    while (!space.hide_step(work)) {
    }
    EXPECT_TRUE(work.flush_needed);
    EXPECT_EQ(space.allocate(page_size, read_write, at).status(), Status::overlap);
    const TlbFlush flush = space.flush_for(work);
    EXPECT_EQ(flush.cpus, 1u);
    EXPECT_EQ(flush.asid, space.asid());
    flush.apply(space.root());
    while (!space.reap_step(work)) {
    }
    EXPECT_TRUE(writable(hole));
    EXPECT_TRUE(space.allocate(page_size, read_write, at).ok());
}

// Why the flush is there: the simulated TLB does remember.
TEST_F(SpaceTest, OnlyTheFlushEndsAccess) {
    for (const unsigned limit : {4096u, 1u}) {
        destroy(space);
        machine::set_asid_limit(limit);
        ASSERT_EQ(space.create(plenty), Status::ok);
        EXPECT_EQ(space.asid() != 0, limit > 1);
        machine::load_root(space.root());
        for (const uword size : {page_size, 40 * page_size, 2 * large_page_size}) {
            const VirtAddr at = space.allocate(size, read_write).value();
            std::byte byte{};
            EXPECT_TRUE(machine::copy_in(&byte, at + size - 1, 1));
            RangeWork work;
            ASSERT_EQ(space.begin_free({at, at + size}, work), Status::ok);
            while (!space.hide_step(work)) {
            }
            EXPECT_TRUE(machine::copy_in(&byte, at + size - 1, 1));
            space.flush_for(work).apply(space.root());
            EXPECT_FALSE(machine::copy_in(&byte, at + size - 1, 1));
            while (!space.reap_step(work)) {
            }
            EXPECT_EQ(space.pages(), 1u);
        }
    }
}

TEST_F(SpaceTest, AnIdentifierIsCleanWhenItComesBack) {
    machine::set_asid_limit(2); // one identifier: the next space gets the same
    destroy(space);
    std::byte byte{7};
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(space.create(plenty), Status::ok);
        ASSERT_EQ(space.asid(), 1u);
        machine::load_root(space.root());
        EXPECT_FALSE(machine::copy_in(&byte, VirtAddr{0x400000}, 1));
        ASSERT_TRUE(space.allocate(page_size, read_write, VirtAddr{0x400000}).ok());
        EXPECT_TRUE(machine::copy_in(&byte, VirtAddr{0x400000}, 1));
        EXPECT_EQ(byte, std::byte{0});
        EXPECT_TRUE(writable(VirtAddr{0x400000}));
        destroy(space);
    }
    EXPECT_EQ(free_frame_count(), frames);
}

TEST_F(SpaceTest, DestructionGoesInSmallSteps) {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(space.allocate(200 * page_size, read_write).ok());
    ASSERT_TRUE(space.allocate(8 * large_page_size, read_write).ok());
    machine::load_root(0);
    space.whole_flush().apply(0);
    u64 held = space.pages();
    while (!space.destroy_step()) {
        EXPECT_LE(held - space.pages(), 8 * 512 + 4u);
        held = space.pages();
    }
    EXPECT_EQ(space.root(), 0u);
    EXPECT_EQ(free_frame_count(), frames);
    EXPECT_TRUE(space.destroy_step());
}

// Every allocation on the way fails once: either nothing happened, or all of it; and nothing stays behind.
TEST_F(SpaceTest, NothingLeaksWhenMemoryRunsOut) {
    destroy(space);
    std::vector<std::byte> file(2 * page_size, std::byte{3});
    bool failed = true;
    for (u64 n = 1; failed; ++n) {
        ASSERT_LT(n, 2000u);
        fail_allocation_after(n);
        if (space.create(plenty) == Status::ok) {
            machine::load_root(space.root());
            const VirtAddr at{0x400000};
            const auto expect = [&](Status status, u64 pages) {
                if (status == Status::ok) return;
                EXPECT_EQ(status, Status::no_memory);
                EXPECT_EQ(space.pages(), pages);
            };
            u64 pages = space.pages();
            expect(space.map_segment(at, 5 * page_size, file, read_only), pages);
            pages = space.pages();
            expect(space.allocate(20 * page_size, read_write).status(), pages);
            pages = space.pages();
            expect(space.allocate_stack(4 * page_size).status(), pages);
            pages = space.pages();
            const auto sparse = space.reserve_sparse(4 * page_size);
            expect(sparse.status(), pages);
            if (sparse.ok()) {
                const VirtRange part{sparse.value(), sparse.value() + 3 * page_size};
                if (space.fill_part(part) != Status::ok) EXPECT_FALSE(readable(part.begin));
            }
            pages = space.pages();
            const auto large = space.allocate(large_page_size + page_size, read_write);
            expect(large.status(), pages);
            pages = space.pages();
            if (large.ok()) {
                expect(protect(large.value() + page_size, page_size, read_only), pages);
                const Status status = free(large.value() + 5 * page_size, page_size);
                if (status != Status::ok) {
                    EXPECT_EQ(status, Status::no_memory);
                    EXPECT_TRUE(readable(large.value() + 5 * page_size));
                }
            }
            destroy(space);
        }
        failed = allocations_before_failure() == 0;
        fail_allocation_after(0);
        ASSERT_EQ(free_frame_count(), frames) << n;
        ASSERT_EQ(live_regions(), 0u);
    }
}

TEST_F(SpaceTest, AgreesWithAModelUnderRandomUse) {
    std::mt19937 random{2024};
    std::map<u64, std::pair<Protection, u8>> model; // page: protection, the byte it was filled with
    constexpr u64 window = 3000;
    const VirtAddr base{0x40000000};
    const auto at = [&](u64 page) { return base + page * page_size; };
    const Protection kinds[] = {read_only, read_write, Protection::none};
    for (u64 step = 0; step < 3000; ++step) {
        const u64 first = random() % window;
        const u64 last = std::min<u64>(window, first + 1 + random() % (random() % 8 == 0 ? 1300 : 30));
        const auto begin = model.lower_bound(first);
        const auto end = model.lower_bound(last);
        const Protection protection = kinds[random() % 3];
        const uword size = (last - first) * page_size;
        switch (random() % 3) {
        case 0: {
            const Status status = space.allocate(size, read_write, at(first)).status();
            ASSERT_EQ(status, begin == end ? Status::ok : Status::overlap);
            for (u64 page = first; status == Status::ok && page < last; ++page) {
                const auto mark = static_cast<std::byte>(random());
                ASSERT_EQ(space.copy_to(at(page) + page % page_size, {&mark, 1}), Status::ok);
                model[page] = {read_write, static_cast<u8>(mark)};
            }
            break;
        }
        case 1:
            ASSERT_EQ(free(at(first), size), begin == end ? Status::address : Status::ok);
            model.erase(begin, end);
            break;
        default:
            ASSERT_EQ(protect(at(first), size, protection), begin == end ? Status::address : Status::ok);
            for (auto i = begin; i != end; ++i) i->second.first = protection;
        }
        for (int probe = 0; probe < 20; ++probe) {
            const u64 page = random() % window;
            const auto expected = model.find(page);
            std::byte mark{};
            const bool seen = machine::copy_in(&mark, at(page) + page % page_size, 1);
            ASSERT_EQ(seen, expected != model.end() && expected->second.first != Protection::none);
            if (!seen) continue;
            ASSERT_EQ(static_cast<u8>(mark), expected->second.second);
            const bool written = machine::copy_out(at(page) + page % page_size, &mark, 1);
            ASSERT_EQ(written, expected->second.first == read_write);
        }
    }
    ASSERT_TRUE(model.empty() || free(at(0), window * page_size) == Status::ok);
    EXPECT_EQ(space.pages(), 1u);
    EXPECT_EQ(space.regions(), 0u);
}

} // namespace
} // namespace chorale::test
