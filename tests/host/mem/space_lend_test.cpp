// Pages that one space puts into another's region, and pages whose contents go: what is refused, and why.
#include "kernel/mem/space.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <array>

namespace chorale::test {
namespace {

constexpr Protection read_write = Protection::read | Protection::write;
constexpr VirtAddr place{0x4000'0000};

class LentPages : public ::testing::Test {
  protected:
    LentPages() {
        start_memory();
        EXPECT_EQ(lender.create(1000), Status::ok);
        EXPECT_EQ(borrower.create(1000), Status::ok);
    }
    ~LentPages() override {
        for (Space* const space : {&lender, &borrower}) {
            while (!space->destroy_step()) {
            }
        }
    }
    static VirtRange part(unsigned first, unsigned end) {
        return {place + first * page_size, place + end * page_size};
    }
    static void make(Space& space, unsigned first, unsigned end, Backing backing, RegionOwner owner = {}) {
        const VirtRange range = part(first, end);
        EXPECT_TRUE(space.reserve(range.size(), read_write, {range.begin, {}, owner}, {}, backing).ok());
    }
    [[nodiscard]] Status lend(unsigned first, unsigned end, RegionOwner owner = {}) {
        const Status status = lender.lend_frames(part(first, end), owner, {frames.data(), end - first});
        if (status == Status::ok)
            for (unsigned i = 0; i < end - first; ++i) release_frame(frames[i]);
        return status;
    }
    [[nodiscard]] Status pass(unsigned first, unsigned end) {
        const Status status = lender.lend_frames(part(first, end), {}, {frames.data(), end - first});
        if (status != Status::ok) return status;
        return borrower.take_frames(part(first, end), {frames.data(), end - first});
    }

    Space lender, borrower;
    std::array<PhysAddr, 8> frames{};
};

TEST_F(LentPages, OnlyOwnMemoryThatIsThereIsLent) {
    EXPECT_TRUE(lender.allocate(4 * page_size, read_write, place).ok());
    make(lender, 4, 6, Backing::nothing);
    make(lender, 6, 8, Backing::frames);
    EXPECT_EQ(lend(0, 4), Status::ok);
    EXPECT_EQ(lend(0, 2, RegionOwner{0x1000}), Status::address);
    EXPECT_EQ(lend(2, 6), Status::address); // a part has no pages ever
    EXPECT_EQ(lend(6, 8), Status::address); // or not yet
    EXPECT_EQ(lend(8, 9), Status::address);
    RangeWork work;
    ASSERT_EQ(lender.begin_protect(part(1, 2), Protection::none, work), Status::ok);
    EXPECT_EQ(lend(0, 2), Status::busy);
    while (!lender.protect_step(work)) {
    }
    flush_at_once(lender.flush_for(work));
    EXPECT_EQ(lend(0, 2), Status::address); // out of reach
}

TEST_F(LentPages, AreTakenWhereTheyBelong) {
    EXPECT_TRUE(lender.allocate(4 * page_size, read_write, place).ok());
    make(borrower, 0, 2, Backing::lent);
    make(borrower, 2, 4, Backing::frames);
    EXPECT_EQ(pass(0, 4), Status::address); // the first two have come
    EXPECT_EQ(pass(1, 2), Status::overlap);
    EXPECT_EQ(pass(2, 3), Status::address);
    RangeWork work;
    ASSERT_EQ(borrower.begin_free(part(0, 1), work), Status::ok);
    EXPECT_EQ(pass(0, 1), Status::busy);
    while (!borrower.hide_step(work)) {
    }
    flush_at_once(borrower.flush_for(work));
    while (!borrower.reap_step(work)) {
    }
    make(borrower, 0, 1, Backing::lent);
    borrower.set_page_limit(borrower.pages());
    EXPECT_EQ(pass(0, 1), Status::no_memory);
    borrower.set_page_limit(1000);
    EXPECT_EQ(pass(0, 1), Status::ok);
}

TEST_F(LentPages, RoomIsLookedForInAWindow) {
    const VirtRange window{place, place + 4 * large_page_size};
    const auto made =
        lender.reserve(large_page_size, read_write, {Space::anywhere, window}, {}, Backing::frames);
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(made.value(), place);
    EXPECT_EQ(lender.find_room(Space::user_end().raw()).status(), Status::no_memory);
}

TEST_F(LentPages, ContentsGoWhereTheyComeOnDemandOrWereLent) {
    RangeWork work;
    EXPECT_EQ(lender.begin_discard({place + 8, place + page_size}, work), Status::round);
    EXPECT_EQ(lender.begin_discard(part(0, 4), work), Status::address);
    EXPECT_TRUE(lender.allocate(2 * page_size, read_write, place).ok()); // stays as it is
    make(lender, 2, 4, Backing::nothing);
    make(lender, 4, 8, Backing::frames);
    EXPECT_TRUE(lender.populate(part(4, 8), Protection::write, 8).ok());
    ASSERT_EQ(lender.begin_discard(part(1, 6), work), Status::ok);
    while (!lender.hide_step(work)) {
    }
    flush_at_once(lender.flush_for(work));
    // Somebody touches a page meanwhile: what it has now is its own.
    EXPECT_EQ(lender.resolve(place + 5 * page_size, Protection::write), Status::ok);
    while (!lender.reap_step(work)) {
    }
    EXPECT_TRUE(lender.frame_of(place + page_size).ok());
    EXPECT_FALSE(lender.frame_of(place + 4 * page_size).ok());
    EXPECT_TRUE(lender.frame_of(place + 5 * page_size).ok());
    EXPECT_TRUE(lender.frame_of(place + 6 * page_size).ok());
}

} // namespace
} // namespace chorale::test
