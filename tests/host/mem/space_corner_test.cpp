// Address spaces where something stands in the way: others who are quicker, memory or owners that cannot be
// counted any more, regions of other kinds.
#include "kernel/mem/segment.hpp"
#include "shared_pages.hpp"

#include <algorithm>
#include <functional>
#include <string>

namespace chorale::test {
namespace {

constexpr u64 mark = 0x1234;

class Corners : public SharedPages {
  protected:
    // A word of a space's memory, through the direct map.
    [[nodiscard]] u64 word(unsigned which, VirtAddr at) {
        u64 value = ~u64{0};
        EXPECT_EQ(spaces[which].copy_from(std::as_writable_bytes(std::span{&value, 1}), at), Status::ok);
        return value;
    }
    [[nodiscard]] Status put(unsigned which, VirtAddr at, u64 value) {
        return spaces[which].copy_to(at, std::as_bytes(std::span{&value, 1}));
    }
    // Four pages with marks, of which the other space has a copy: all are common.
    void share_four() {
        ASSERT_TRUE(reserve(0, window, 4 * page_size).ok());
        for (unsigned i = 0; i < 4; ++i) ASSERT_EQ(put(0, window + i * page_size, mark + i), Status::ok);
        ASSERT_EQ(transfer(0, {window, window + 4 * page_size}, 1, window, Transfer::copy), Status::ok);
    }
    void give_up_all(unsigned which, VirtAddr at, uword size) {
        EXPECT_EQ(free_range(which, at, size), Status::ok);
    }
};

// ---- a page is copied, and others do something to it -----------------------------------------------------

struct Meanwhile {
    const char* what;
    std::function<void(Space& mine, Space& other)> act;
    Status result;
};
const auto flush = [](const TlbFlush& entries) { flush_at_once(entries); };
constexpr VirtAddr page = window + page_size;
constexpr VirtRange whole{window, window + 4 * page_size};

RangeWork work;
const Meanwhile others[] = {
    {"nothing", [](Space&, Space&) {}, Status::ok},
    {"another thread writes it",
     [](Space& mine, Space&) { EXPECT_EQ(mine.resolve(page, Protection::write), Status::ok); }, Status::ok},
    {"another page is copied",
     [](Space& mine, Space&) { EXPECT_EQ(mine.resolve(page + page_size, Protection::write), Status::ok); },
     Status::ok},
    {"the other owner goes", [](Space&, Space& other) { EXPECT_EQ(other.free(whole, flush), Status::ok); },
     Status::ok},
    {"it begins to go", [](Space& mine, Space&) { EXPECT_EQ(mine.begin_free(whole, work), Status::ok); },
     Status::fault},
    {"it goes, the next stays",
     [](Space& mine, Space&) { EXPECT_EQ(mine.free({page, page + page_size}, flush), Status::ok); },
     Status::fault},
    {"all goes", [](Space& mine, Space&) { EXPECT_EQ(mine.free(whole, flush), Status::ok); }, Status::fault},
    {"it becomes another",
     [](Space& mine, Space&) {
         EXPECT_EQ(mine.free(whole, flush), Status::ok);
         EXPECT_TRUE(mine.reserve(whole.size(), read_write, {window}, {}, Backing::frames).ok());
     },
     Status::ok},
    {"it may not be written any more",
     [](Space& mine, Space&) { EXPECT_EQ(mine.protect(whole, Protection::read, flush), Status::ok); },
     Status::fault},
    {"it begins to be read only",
     [](Space& mine, Space&) {
         EXPECT_EQ(mine.begin_protect(whole, Protection::read, work), Status::ok);
         EXPECT_FALSE(mine.protect_step(work));
     },
     Status::fault},
};

class CopiedPage : public Corners, public testing::WithParamInterface<Meanwhile> {};

TEST_P(CopiedPage, IsNobodyElsesBusiness) {
    const auto& [what, act, result] = GetParam();
    share_four();
    bool acted = false;
    at_next_flush([&] {
        acted = true;
        act(spaces[0], spaces[1]);
    });
    EXPECT_EQ(spaces[0].resolve(page, Protection::write), result);
    EXPECT_TRUE(acted);
    if (result == Status::ok) {
        const bool fresh = word(0, page) == 0;
        EXPECT_EQ(word(0, page), fresh ? 0 : mark + 1);
        EXPECT_EQ(put(0, page, 7), Status::ok);
        EXPECT_EQ(word(0, page), 7u);
    }
    if (spaces[1].regions() != 0) EXPECT_EQ(word(1, page), mark + 1); // whatever happened here
}
INSTANTIATE_TEST_SUITE_P(Space, CopiedPage, testing::ValuesIn(others), [](const auto& info) {
    std::string name = info.param.what;
    std::ranges::replace_if(name, [](char c) { return c == ' ' || c == ','; }, '_');
    return name;
});

// ---- what can be counted ---------------------------------------------------------------------------------

TEST_F(Corners, AFrameHasSoManyOwners) {
    ASSERT_TRUE(reserve(0, window, 2 * page_size).ok());
    ASSERT_EQ(put(0, window, mark), Status::ok);
    const PhysAddr frame = spaces[0].frame_of(window).value();
    unsigned shares = 0;
    while (share_frame(frame)) ++shares;
    EXPECT_EQ(shares, 0xffffu);
    for (const Transfer how : {Transfer::copy, Transfer::share, Transfer::duplicate}) {
        EXPECT_EQ(transfer(0, {window, window + 2 * page_size}, 1, window, how), Status::no_memory);
        EXPECT_EQ(spaces[1].regions(), 0u);
    }
    // The second of two: the first is given back.
    ASSERT_EQ(put(0, window + page_size, mark), Status::ok);
    ASSERT_EQ(put(0, window - page_size, mark), Status::fault);
    ASSERT_TRUE(reserve(0, window - page_size, page_size).ok());
    ASSERT_EQ(put(0, window - page_size, mark), Status::ok);
    const PhysAddr first = spaces[0].frame_of(window - page_size).value();
    EXPECT_EQ(transfer(0, {window - page_size, window + page_size}, 1, window, Transfer::copy),
              Status::no_memory);
    EXPECT_FALSE(frame_shared(first));
    for (; shares != 0; --shares) release_frame(frame);
    EXPECT_EQ(transfer(0, {window, window + 2 * page_size}, 1, window, Transfer::copy), Status::ok);
    EXPECT_EQ(word(1, window), mark);
}

// Who takes pages over pays for them; nothing is left of an attempt that was too expensive.
TEST_F(Corners, TakersPay) {
    constexpr VirtAddr above = window + 64 * page_size;
    ASSERT_TRUE(reserve(0, window, 12 * page_size).ok());
    for (unsigned i = 0; i < 12; ++i) ASSERT_EQ(put(0, window + i * page_size, mark + i), Status::ok);
    ASSERT_TRUE(reserve(1, above, page_size).ok());
    ASSERT_EQ(put(1, above, 5), Status::ok);
    const u64 before = spaces[1].pages();
    for (const Transfer how : {Transfer::copy, Transfer::duplicate}) {
        unsigned refused = 0;
        for (u64 limit = before;; ++limit) {
            spaces[1].set_page_limit(limit);
            const Status status = transfer(0, {window, window + 12 * page_size}, 1, window, how);
            if (status == Status::ok) break;
            ASSERT_EQ(status, Status::no_memory);
            EXPECT_EQ(spaces[1].pages(), before);
            EXPECT_EQ(spaces[1].regions(), 1u);
            ++refused;
        }
        EXPECT_GE(refused, 12u);
        for (unsigned i = 0; i < 12; ++i) EXPECT_EQ(word(1, window + i * page_size), mark + i);
        spaces[1].set_page_limit(plenty);
        give_up_all(1, window, 12 * page_size);
    }
    EXPECT_EQ(word(1, above), 5u);
}

// ---- regions of all kinds --------------------------------------------------------------------------------

// A part of whatever is there is lent, what is no memory is passed over.
TEST_F(Corners, LendsWhatIsMemory) {
    const PhysAddr block = allocate_frames(1).value();
    machine::direct<u64>(block)[0] = mark;
    const VirtAddr borrowed = window + 8 * page_size, end = window + 16 * page_size;
    ASSERT_TRUE(spaces[0].map_physical(block, 2 * page_size, read_write, borrowed).ok());
    ASSERT_TRUE(
        spaces[0].reserve(page_size, Protection::none, {window + 4 * page_size}, {}, Backing::nothing).ok());
    ASSERT_TRUE(reserve(0, window, 2 * page_size).ok());
    ASSERT_EQ(put(0, window, 3), Status::ok);
    RangeWork lender, taker;
    EXPECT_EQ(spaces[0].begin_lend({window + 1, end}, false, lender), Status::round);
    EXPECT_EQ(spaces[0].begin_lend({window, end}, true, lender), Status::address);
    EXPECT_EQ(spaces[0].begin_lend({end, end + page_size}, false, lender), Status::address);
    ASSERT_EQ(spaces[0].begin_lend({window, end}, false, lender), Status::ok);
    RangeWork second;
    EXPECT_EQ(spaces[0].begin_lend({window, end}, false, second), Status::busy);
    ASSERT_TRUE(reserve(1, window, 4 * page_size, read_write, &taker).ok());
    ASSERT_TRUE(spaces[1].reserve(2 * page_size, read_write, {borrowed}, {}, Backing::borrowed, &taker).ok());
    taker.range = {window, end};
    while (lender.at < end) {
        PageBatch batch;
        ASSERT_EQ(spaces[0].lend(lender, Transfer::copy, batch), Status::ok);
        ASSERT_EQ(spaces[1].take(batch, 0), Status::ok);
    }
    flush_at_once(spaces[0].flush_for(lender));
    spaces[0].finish_change(lender);
    spaces[1].finish_change(taker);
    EXPECT_EQ(word(1, window), 3u);
    EXPECT_EQ(spaces[1].frame_of(borrowed).value(), block); // the same, and nobody's to free
    EXPECT_EQ(put(0, window, 4), Status::ok);
    EXPECT_EQ(word(1, window), 3u);
    give_up_all(0, window, 16 * page_size);
    give_up_all(1, window, 16 * page_size);
    EXPECT_EQ(machine::direct<u64>(block)[0], mark);
    free_frames(block, 1);
}

// What is lent and cannot be taken is given back.
TEST_F(Corners, TakenNowhere) {
    const PhysAddr block = allocate_frames(0).value();
    ASSERT_TRUE(reserve(0, window, 2 * page_size).ok());
    for (const VirtAddr at : {window, window + page_size}) ASSERT_EQ(put(0, at, mark), Status::ok);
    ASSERT_TRUE(spaces[0].map_physical(block, page_size, read_write, window + 2 * page_size).ok());
    const u64 before = spaces[1].pages();
    for (const bool above : {false, true}) { // nothing is there; nor is what lies above it
        if (above) ASSERT_TRUE(reserve(1, window + 8 * page_size, page_size).ok());
        RangeWork lender;
        ASSERT_EQ(spaces[0].begin_lend({window, window + 3 * page_size}, false, lender), Status::ok);
        while (lender.at < lender.range.end) {
            PageBatch batch;
            ASSERT_EQ(spaces[0].lend(lender, Transfer::share, batch), Status::ok);
            EXPECT_EQ(spaces[1].take(batch, 0), Status::address);
        }
        spaces[0].finish_change(lender);
        EXPECT_EQ(spaces[1].pages(), before);
        EXPECT_FALSE(frame_shared(spaces[0].frame_of(window).value()));
    }
    give_up_all(0, window, 3 * page_size);
    free_frame(block);
}

// A page without any access is hidden, and is copied as any other; its copy can be read.
TEST_F(Corners, HiddenPagesAreLent) {
    ASSERT_TRUE(reserve(0, window, 2 * page_size).ok());
    ASSERT_EQ(put(0, window, mark), Status::ok);
    ASSERT_EQ(protect_range(0, window, 2 * page_size, Protection::none), Status::ok);
    EXPECT_EQ(spaces[0].resolve(window, Protection::read), Status::fault);
    ASSERT_EQ(transfer(0, {window, window + 2 * page_size}, 1, window, Transfer::copy), Status::ok);
    EXPECT_EQ(spaces[0].resolve(window, Protection::read), Status::fault);
    EXPECT_EQ(word(1, window), mark);
    EXPECT_EQ(put(1, window, 1), Status::ok);
    ASSERT_EQ(protect_range(0, window, 2 * page_size, read_write), Status::ok);
    EXPECT_EQ(word(0, window), mark);
}

// A region is made a segment's by its own operation only, and once.
TEST_F(Corners, ASegmentIsShownByWhoeverMakesTheRegion) {
    Segment segment{};
    segment.holders = 10; // it stays here
    RangeWork mine, somebodys;
    const VirtRange part{window, window + 2 * page_size};
    EXPECT_EQ(spaces[0].show_segment(part, {&segment, 0, false}, mine), Status::address);
    ASSERT_TRUE(reserve(0, window, 4 * page_size, read_write, &mine).ok());
    EXPECT_EQ(spaces[0].show_segment(part, {&segment, 0, false}, somebodys), Status::busy);
    EXPECT_EQ(spaces[0].show_segment(part, {&segment, 5 * page_size, false}, mine), Status::ok);
    EXPECT_EQ(segment.holders, 11u);
    EXPECT_EQ(spaces[0].show_segment(part, {&segment, 9 * page_size, false}, mine), Status::ok);
    EXPECT_EQ(segment.holders, 11u);
    EXPECT_EQ(spaces[0].region_at(window).value().view.offset, 5 * page_size);
    EXPECT_EQ(spaces[0].region_at(part.end).value().view.segment, nullptr);
    mine.range = {window, window + 4 * page_size};
    spaces[0].finish_change(mine);
    give_up_all(0, window, 4 * page_size);
    EXPECT_EQ(segment.holders, 10u);
}

// ---- large pages -----------------------------------------------------------------------------------------

TEST_F(Corners, LargePagesComeWhereTheyFit) {
    constexpr VirtAddr large{8 * large_page_size};
    const auto brought = [&](VirtAddr at, VirtAddr end) {
        const Result<VirtAddr> next = spaces[0].populate({at, end}, Protection::read, 1);
        return next.ok() ? next.value() - at : 0;
    };
    const VirtAddr end = large + large_page_size;
    EXPECT_EQ(brought(large, end), 0u); // nothing is there, or above
    ASSERT_TRUE(reserve(0, large + 4 * large_page_size, page_size).ok());
    EXPECT_EQ(brought(large, end), 0u); // nothing is there, but above
    ASSERT_TRUE(reserve(0, large, large_page_size).ok());
    EXPECT_EQ(brought(large, end - page_size), page_size); // not all of it is wanted
    EXPECT_EQ(brought(large, end), page_size);             // a small one is there already
    give_up_all(0, large, large_page_size);
    ASSERT_TRUE(reserve(0, large, large_page_size).ok());
    EXPECT_EQ(brought(large + page_size, end), page_size);
    give_up_all(0, large, large_page_size);
    ASSERT_TRUE(reserve(0, large, large_page_size - page_size).ok());
    EXPECT_EQ(brought(large, end), page_size); // the region is too short
    give_up_all(0, large, large_page_size);
    ASSERT_TRUE(reserve(0, large, large_page_size, Protection::read | Protection::execute).ok());
    EXPECT_EQ(brought(large, end), page_size); // code
    give_up_all(0, large, large_page_size);
    RangeWork filling;
    ASSERT_TRUE(reserve(0, large, large_page_size, read_write, &filling).ok());
    EXPECT_EQ(brought(large, end), page_size); // somebody is at work on it
    filling.range = {large, end};
    spaces[0].finish_change(filling);
    give_up_all(0, large, large_page_size);
    ASSERT_TRUE(spaces[0].reserve(large_page_size, Protection::none, {large}, {}, Backing::nothing).ok());
    EXPECT_EQ(brought(large, end), 0u); // addresses only
    give_up_all(0, large, large_page_size);
    ASSERT_TRUE(reserve(0, large, large_page_size).ok());
    EXPECT_EQ(brought(large, end), large_page_size);
    EXPECT_EQ(word(0, end - 8), 0u);
}

// Borrowed frames are mapped large where both sides lie so.
TEST_F(Corners, BorrowedFramesOfAllAlignments) {
    const PhysAddr device{u64{1} << 39};
    const VirtAddr at{8 * large_page_size};
    const Protection registers = read_write | Protection::device;
    for (const uword offset : {uword{0}, page_size}) {
        const u64 tables = spaces[0].pages();
        ASSERT_TRUE(spaces[0].map_physical(device + offset, 2 * large_page_size, registers, at).ok());
        EXPECT_EQ(spaces[0].frame_of(at + large_page_size + 5).value(),
                  device + (offset + large_page_size + 5));
        EXPECT_EQ(spaces[0].pages() - tables, offset == 0 ? 2 : 4); // tables only
        EXPECT_EQ(spaces[0].map_physical(device, page_size, registers, at).status(), Status::overlap);
        EXPECT_EQ(spaces[0].resolve(at, Protection::execute), Status::fault);
        // While its rights are being taken away it stays a device's.
        ASSERT_EQ(protect_range(0, at, 2 * large_page_size, Protection::read), Status::ok);
        EXPECT_TRUE(allows(spaces[0].region_at(at).value().protection, Protection::device));
        give_up_all(0, at, 2 * large_page_size);
    }
    EXPECT_EQ(spaces[0].map_physical(device, boot::MemoryMap::address_end, registers).status(),
              Status::address);
    for (u64 n = 1;; ++n) {
        fail_allocation_after(n);
        const Status status = spaces[0].map_physical(device, 2 * page_size, registers, at).status();
        const bool failed = allocations_before_failure() == 0;
        fail_allocation_after(0);
        if (!failed) break;
        ASSERT_EQ(status, Status::no_memory);
        EXPECT_EQ(spaces[0].regions(), 0u);
    }
    give_up_all(0, at, 2 * page_size);
}

// Large pages are lent as small ones, and split where they are hidden or borrowed.
TEST_F(Corners, LargePagesAreSplit) {
    constexpr VirtAddr large{8 * large_page_size};
    ASSERT_TRUE(reserve(0, large, 2 * large_page_size).ok());
    ASSERT_EQ(spaces[0].populate({large, large + large_page_size}, Protection::read, 1).value(),
              large + large_page_size);
    ASSERT_EQ(put(0, large + 7 * page_size, mark), Status::ok);
    ASSERT_EQ(transfer(0, {large, large + large_page_size}, 1, large, Transfer::copy), Status::ok);
    EXPECT_EQ(word(1, large + 7 * page_size), mark);
    ASSERT_EQ(spaces[0]
                  .populate({large + large_page_size, large + 2 * large_page_size}, Protection::read, 1)
                  .value(),
              large + 2 * large_page_size);
    ASSERT_EQ(protect_range(0, large, 2 * large_page_size, Protection::none), Status::ok);
    give_up_all(0, large + large_page_size + 5 * page_size, page_size);
    EXPECT_EQ(spaces[0].resolve(large + large_page_size, Protection::read), Status::fault);
    ASSERT_EQ(protect_range(0, large, 2 * large_page_size, Protection::read), Status::ok);
    EXPECT_EQ(word(0, large + 7 * page_size), mark);
    EXPECT_EQ(word(0, large + large_page_size + 4 * page_size), 0u);
    EXPECT_FALSE(spaces[0].frame_of(large + large_page_size + 5 * page_size).ok());

    const VirtAddr borrowed = large + 4 * large_page_size;
    const PhysAddr device{u64{1} << 39};
    ASSERT_TRUE(
        spaces[0].map_physical(device, large_page_size, read_write | Protection::device, borrowed).ok());
    give_up_all(0, borrowed + page_size, page_size);
    EXPECT_EQ(spaces[0].frame_of(borrowed + 2 * page_size).value(), device + 2 * page_size);
    EXPECT_FALSE(spaces[0].frame_of(borrowed + page_size).ok());
}

// While rights change in steps, each page has the old ones or the new ones.
TEST_F(Corners, RightsThatChangeStepByStep) {
    constexpr unsigned pages = 600;
    const VirtAddr last = window + (pages - 1) * page_size;
    ASSERT_TRUE(reserve(0, window, pages * page_size).ok());
    ASSERT_EQ(put(0, window, mark), Status::ok);
    ASSERT_TRUE(
        spaces[0].reserve(page_size, Protection::none, {last + page_size}, {}, Backing::nothing).ok());
    RangeWork changing;
    ASSERT_EQ(spaces[0].begin_protect({window, last + 2 * page_size}, Protection::read, changing),
              Status::ok);
    ASSERT_FALSE(spaces[0].protect_step(changing));
    ASSERT_LT(changing.at, last);
    EXPECT_EQ(spaces[0].resolve(window, Protection::write), Status::fault);
    EXPECT_EQ(spaces[0].resolve(window + page_size, Protection::write), Status::fault);
    EXPECT_EQ(spaces[0].resolve(window + page_size, Protection::read), Status::ok);
    EXPECT_EQ(spaces[0].resolve(last, Protection::write), Status::ok);
    while (!spaces[0].protect_step(changing)) {
    }
    flush_at_once(spaces[0].flush_for(changing));
    EXPECT_EQ(spaces[0].resolve(last, Protection::write), Status::fault);
    EXPECT_EQ(spaces[0].resolve(last + page_size, Protection::read), Status::fault); // no memory as before
    EXPECT_EQ(word(0, window), mark);
}

// What is left to the nucleus is not given to programs.
TEST_F(Corners, TheReserveStays) {
    ASSERT_TRUE(reserve(0, window, 2 * page_size).ok());
    ASSERT_EQ(put(0, window, mark), Status::ok);
    PageAccount::set_reserve(free_frame_count() + 1);
    EXPECT_EQ(spaces[0].resolve(window + page_size, Protection::read), Status::no_memory);
    EXPECT_TRUE(allocate_frames(largest_order + 1).status() == Status::no_memory);
    EXPECT_EQ(word(0, window), mark);
    PageAccount::set_reserve(0);
    EXPECT_EQ(spaces[0].resolve(window + page_size, Protection::read), Status::ok);
}

TEST_F(Corners, SizesThatCannotBe) {
    const uword all = Space::user_end().raw();
    EXPECT_EQ(spaces[0].allocate_stack(0).status(), Status::size);
    EXPECT_EQ(spaces[0].allocate_stack(all).status(), Status::size);
    EXPECT_EQ(spaces[0].allocate_stack(all - 64 * page_size).status(), Status::no_memory);
    EXPECT_EQ(spaces[0].map_segment(window, all, {}, Protection::read), Status::size);
    EXPECT_EQ(spaces[0].frame_of(Space::user_end()).status(), Status::address);
    RangeWork lender;
    EXPECT_EQ(spaces[0].begin_lend({window, window + 1}, false, lender), Status::round);
    // What cannot be accessed is there, and becomes accessible.
    const VirtAddr closed = spaces[0].allocate(page_size, Protection::none).value();
    EXPECT_EQ(spaces[0].resolve(closed, Protection::read), Status::fault);
    EXPECT_EQ(protect_range(0, closed, page_size, read_write), Status::ok);
    EXPECT_EQ(word(0, closed), 0u);
}

// What has come is not asked for again; what an allocation has filled does not come on demand.
TEST_F(Corners, FaultsThatAreNone) {
    const VirtAddr at = spaces[0].allocate(page_size, read_write).value();
    EXPECT_EQ(spaces[0].resolve(at, Protection::write), Status::ok);
    EXPECT_EQ(spaces[0].resolve(at, Protection::execute), Status::fault);
    RangeWork freed;
    ASSERT_EQ(spaces[0].begin_free({at, at + page_size}, freed), Status::ok);
    EXPECT_EQ(spaces[0].resolve(at, Protection::read), Status::fault);
    while (!spaces[0].hide_step(freed)) {
    }
    flush_at_once(spaces[0].flush_for(freed));
    while (!spaces[0].reap_step(freed)) {
    }
    share_four();
    EXPECT_EQ(spaces[0].resolve(window, Protection::read), Status::ok); // common, and may be read
    give_up_all(1, window, 4 * page_size);
    EXPECT_EQ(spaces[0].resolve(window, Protection::write), Status::ok); // alone again: no copy
    EXPECT_EQ(word(0, window), mark);
}

} // namespace
} // namespace chorale::test
