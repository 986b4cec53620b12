// Regions of several owners in one space: random operations, compared with a model that knows of pages only.
#include "kernel/mem/space.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace chorale::test {
namespace {

constexpr Protection read_write = Protection::read | Protection::write;
constexpr VirtAddr window{0x4000'0000};
constexpr unsigned window_pages = 48;
constexpr std::array owners{RegionOwner::nobody, RegionOwner{0x1000}, RegionOwner{0x2000}};

struct Page {
    bool there{}, writable{};
    RegionOwner owner{};
    unsigned locks{};
};

class OwnedRegions : public ::testing::Test {
  protected:
    OwnedRegions() {
        start_memory();
        EXPECT_EQ(space.create(100'000), Status::ok);
        EXPECT_TRUE(space.allocate(page_size, read_write).ok()); // the first slab of regions
        EXPECT_EQ(space.free({Space::anywhere_begin, Space::anywhere_begin + page_size}, flush), Status::ok);
        frames = free_frame_count() + space.pages();
    }
    ~OwnedRegions() override {
        while (!space.destroy_step()) {
        }
        EXPECT_EQ(live_regions(), 0u);
        EXPECT_EQ(Space::locked_pages(), 0u);
        EXPECT_EQ(free_frame_count(), frames);
    }

    static void flush(const TlbFlush& entries) { flush_at_once(entries); }
    static VirtAddr at(unsigned page) { return window + page * page_size; }

    [[nodiscard]] Status make(unsigned first, unsigned end, RegionOwner owner) {
        const auto made =
            space.reserve((end - first) * page_size, read_write, {at(first), {}, owner}, {}, Backing::frames);
        if (!made.ok()) return made.status();
        EXPECT_TRUE(space.populate({at(first), at(end)}, Protection::read, window_pages).ok());
        return Status::ok;
    }
    void forfeit(RegionOwner owner, bool expected) {
        RangeWork work;
        ASSERT_EQ(space.begin_forfeit(owner, work), expected);
        if (!expected) return;
        while (!space.hide_step(work)) {
        }
        flush(space.flush_for(work));
        while (!space.reap_step(work)) {
        }
    }

    // What an operation on the owner's pages of the range must say.
    template <class Refuse>
    [[nodiscard]] Status expected(unsigned first, unsigned end, RegionOwner owner, Status refusal,
                                  Refuse&& refuse) const {
        Status status = Status::address;
        for (unsigned i = first; i < end; ++i) {
            if (!model[i].there || model[i].owner != owner) continue;
            if (refuse(model[i])) return refusal;
            status = Status::ok;
        }
        return status;
    }
    template <class Change>
    void change(unsigned first, unsigned end, RegionOwner owner, Change&& to) {
        for (unsigned i = first; i < end; ++i)
            if (model[i].there && model[i].owner == owner) to(model[i]);
    }

    void compare() {
        for (unsigned i = 0; i < window_pages; ++i) {
            const auto found = space.region_at(at(i));
            ASSERT_EQ(found.ok(), model[i].there) << i;
            ASSERT_EQ(space.frame_of(at(i)).ok(), model[i].there) << i;
            if (!found.ok()) continue;
            ASSERT_EQ(found.value().owner, model[i].owner) << i;
            ASSERT_EQ(allows(found.value().protection, Protection::write), model[i].writable) << i;
            ASSERT_EQ(found.value().locks, model[i].locks) << i;
            const auto from = space.region_from(at(0), at(window_pages), model[i].owner);
            ASSERT_TRUE(from.ok() && from.value().owner == model[i].owner);
        }
    }

    void operate(unsigned what, unsigned first, unsigned end, RegionOwner owner) {
        const VirtRange range{at(first), at(end)};
        const auto locked = [](const Page& page) { return page.locks != 0; };
        Status wanted = Status::ok;
        switch (what) {
        case 0:
        case 1:
            for (unsigned i = first; i < end; ++i)
                if (model[i].there) wanted = Status::overlap;
            ASSERT_EQ(make(first, end, owner), wanted);
            if (wanted != Status::ok) return;
            for (unsigned i = first; i < end; ++i) model[i] = {true, true, owner, 0};
            return;
        case 2:
            wanted = expected(first, end, owner, Status::timeout, locked);
            ASSERT_EQ(space.free(range, flush, owner), wanted);
            if (wanted == Status::ok) change(first, end, owner, [](Page& page) { page = {}; });
            return;
        case 3: {
            RangeWork work;
            wanted = expected(first, end, owner, Status::timeout, locked);
            ASSERT_EQ(space.begin_protect(range, Protection::read, work, owner), wanted);
            if (wanted != Status::ok) return;
            while (!space.protect_step(work)) {
            }
            flush(space.flush_for(work));
            change(first, end, owner, [](Page& page) { page.writable = false; });
            return;
        }
        case 4:
            wanted = expected(first, end, owner, Status::ok, [](const Page&) { return false; });
            ASSERT_EQ(space.lock_range(range, owner), wanted);
            change(first, end, owner, [](Page& page) { ++page.locks; });
            return;
        default:
            wanted = expected(first, end, owner, Status::invalid,
                              [](const Page& page) { return page.locks == 0; });
            ASSERT_EQ(space.unlock_range(range, owner), wanted);
            if (wanted == Status::ok) change(first, end, owner, [](Page& page) { --page.locks; });
            return;
        }
    }

    Space space;
    std::array<Page, window_pages> model{};
    u64 frames{};
};

TEST_F(OwnedRegions, AreChangedByTheirOwnersOnly) {
    std::mt19937 random{7};
    const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
    for (unsigned step = 0; step < 20'000; ++step) {
        const unsigned first = below(window_pages), end = first + 1 + below(window_pages - first);
        const RegionOwner owner = owners[below(owners.size())];
        if (below(100) == 0) {
            bool any = false;
            for (const Page& page : model) any = any || (page.there && page.owner == owner);
            forfeit(owner, any);
            change(0, window_pages, owner, [](Page& page) { page = {}; });
        } else {
            const bool small = below(3) != 0;
            operate(below(6), first, small && end > first + 4 ? first + 1 + below(4) : end, owner);
        }
        ASSERT_NO_FATAL_FAILURE(compare()) << step;
    }
    for (const RegionOwner owner : owners) {
        bool any = false;
        for (const Page& page : model) any = any || (page.there && page.owner == owner);
        forfeit(owner, any);
    }
}

// Whatever was under way when the owner died.
TEST_F(OwnedRegions, AreForfeitedInAnyState) {
    const RegionOwner owner = owners[1];
    ASSERT_EQ(make(0, 8, owner), Status::ok);
    ASSERT_EQ(make(8, 10, owners[2]), Status::ok);
    RangeWork freed, protecting, lent;
    ASSERT_EQ(space.begin_free({at(0), at(2)}, freed, owner), Status::ok);
    ASSERT_FALSE(space.hide_step(freed));
    ASSERT_EQ(space.begin_protect({at(2), at(4)}, Protection::read, protecting, owner), Status::ok);
    ASSERT_EQ(space.begin_lend({at(4), at(5)}, true, lent, owner), Status::ok);
    ASSERT_EQ(space.begin_lend({at(7), at(9)}, true, lent, owner), Status::address); // not all is its own
    ASSERT_EQ(space.lock_range({at(6), at(7)}, owner), Status::ok);
    forfeit(owner, true);
    for (unsigned i = 0; i < 8; ++i) model[i] = {};
    for (unsigned i = 8; i < 10; ++i) model[i] = {true, true, owners[2], 0};
    compare();
}

// A duplicate has the bytes and no common pages, also of pages that nobody had touched.
TEST_F(OwnedRegions, DuplicatesAreMadeAtOnce) {
    ASSERT_EQ(make(0, 1, owners[1]), Status::ok);
    ASSERT_TRUE(space.reserve(page_size, read_write, {at(1), {}, owners[1]}, {}, Backing::frames).ok());
    const u64 word = 7;
    ASSERT_EQ(space.copy_to(at(0), std::as_bytes(std::span{&word, 1})), Status::ok);
    RangeWork lender, taker;
    ASSERT_EQ(space.begin_lend({at(0), at(2)}, true, lender, owners[1]), Status::ok);
    ASSERT_TRUE(
        space.reserve(2 * page_size, read_write, {at(4), {}, owners[2]}, {}, Backing::frames, &taker).ok());
    taker.range = {at(4), at(6)};
    while (lender.at < lender.range.end) {
        PageBatch batch;
        ASSERT_EQ(space.lend(lender, Transfer::duplicate, batch), Status::ok);
        ASSERT_EQ(space.take(batch, 4 * page_size), Status::ok);
    }
    EXPECT_FALSE(lender.flush_needed);
    space.finish_change(lender);
    space.finish_change(taker);
    for (unsigned i = 0; i < 2; ++i) {
        ASSERT_TRUE(space.frame_of(at(i)).ok() && space.frame_of(at(4 + i)).ok());
        EXPECT_NE(space.frame_of(at(i)).value(), space.frame_of(at(4 + i)).value());
    }
    u64 seen = 0;
    EXPECT_EQ(space.copy_from(std::as_writable_bytes(std::span{&seen, 1}), at(4)), Status::ok);
    EXPECT_EQ(seen, word);
    forfeit(owners[1], true);
    forfeit(owners[2], true);
}

} // namespace
} // namespace chorale::test
