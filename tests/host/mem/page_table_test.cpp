#include "kernel/mem/page_table.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace chorale::test {
namespace {

// Entries as RISC-V Sv39 has them: another number of levels, the address elsewhere, a leaf told by its
// rights.
struct Sv39 {
    static constexpr unsigned most_levels = 3, bits_per_level = 9, entries = 512;
    static unsigned levels() { return most_levels; }
    static constexpr u64 bit_present = 1, bit_read = 2, bit_write = 4, bit_execute = 8, bit_user = 16;
    static constexpr u64 bits_accessed = 64 | 128;
    static constexpr u64 rights = bit_read | bit_write | bit_execute;

    static u64 make_table(PhysAddr table) { return (table.raw() >> 2) | bit_present; }
    static u64 make_leaf(PhysAddr frame, Protection protection, unsigned) {
        u64 entry = (frame.raw() >> 2) | bit_present | bit_read | bits_accessed;
        if (allows(protection, Protection::write)) entry |= bit_write;
        if (allows(protection, Protection::execute)) entry |= bit_execute;
        if (allows(protection, Protection::user)) entry |= bit_user;
        return entry;
    }
    static bool present(u64 entry) { return (entry & bit_present) != 0; }
    static bool leaf(u64 entry, unsigned level) { return level == 0 || (entry & rights) != 0; }
    static PhysAddr address(u64 entry) { return PhysAddr{(entry >> 10) << 12}; }
    static Protection protection(u64 entry) {
        Protection bits = Protection::read;
        if ((entry & bit_write) != 0) bits = bits | Protection::write;
        if ((entry & bit_execute) != 0) bits = bits | Protection::execute;
        if ((entry & bit_user) != 0) bits = bits | Protection::user;
        return bits;
    }
};

constexpr Protection read = Protection::read | Protection::user;
constexpr Protection write = read | Protection::write;
constexpr Protection code = read | Protection::execute;

template <class G>
struct PageTableTest : ::testing::Test {
    using Table = PageTableOf<G>;

    PageTableTest() {
        start_memory();
        frames_before = free_frame_count();
        account.set_limit(1'000'000);
        root = account.take(0).value();
        zero_frames(root, 0);
        table.open(root, account);
    }
    ~PageTableTest() override {
        fail_allocation_after(0);
        EXPECT_EQ(account.used(), 1u);
        account.give_back(root, 0);
        EXPECT_EQ(free_frame_count(), frames_before);
    }

    static PhysAddr frame(u64 number) { return PhysAddr{(u64{1} << 33) + number * page_size}; }

    bool hide(VirtRange range) {
        const VirtAddr from = range.begin;
        bool flush = false;
        while (!range.empty()) range.begin = table.hide(range, from, 5, flush);
        return flush;
    }
    void reap(VirtRange range, bool dead = false) {
        while (!range.empty()) range.begin = table.reap(range, 5, false, dead);
    }
    void remove(VirtRange range) {
        hide(range);
        reap(range);
    }

    u64 frames_before{};
    PhysAddr root;
    PageAccount account;
    Table table;
};

using Geometries = ::testing::Types<machine::PageTableGeometry, Sv39>;
TYPED_TEST_SUITE(PageTableTest, Geometries);

constexpr VirtAddr base{0x10'0000'0000};

TYPED_TEST(PageTableTest, MapsAndTranslates) {
    auto& table = this->table;
    ASSERT_EQ(table.insert(base, this->frame(7), write, 0, Visibility::shown), Status::ok);
    EXPECT_EQ(this->account.used(), TypeParam::levels());
    const auto found = table.translate(base + 0x123);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->address, this->frame(7) + 0x123);
    EXPECT_EQ(found->protection, write);
    EXPECT_EQ(found->leaf_size, page_size);
    EXPECT_FALSE(table.translate(base + page_size));
    EXPECT_EQ(table.insert(base, this->frame(8), write, 0, Visibility::shown), Status::overlap);
    EXPECT_EQ(table.insert(base, this->frame(512), write, 1, Visibility::shown), Status::overlap);
    EXPECT_TRUE(this->hide({base, base + page_size}));
    EXPECT_FALSE(table.translate(base));
    EXPECT_EQ(table.frame_at(base + 5), this->frame(7) + 5);
    this->reap({base, base + page_size});
    EXPECT_FALSE(table.frame_at(base));
}

TYPED_TEST(PageTableTest, HiddenPagesWaitToBeShown) {
    auto& table = this->table;
    for (unsigned i = 0; i < 600; ++i) {
        const VirtAddr at = base + i * page_size;
        ASSERT_EQ(table.insert(at, this->frame(i), read, 0, Visibility::hidden), Status::ok);
        EXPECT_FALSE(table.translate(at));
    }
    const VirtRange all{base, base + 600 * page_size};
    EXPECT_EQ(table.show(all, 10), base + 10 * page_size);
    EXPECT_TRUE(table.translate(base + 9 * page_size));
    EXPECT_FALSE(table.translate(base + 10 * page_size));
    EXPECT_EQ(table.show(all, 1000), all.end);
    EXPECT_TRUE(table.translate(base + 599 * page_size));
    this->remove(all);
}

// What was never shown goes without a trace, and needs no flush.
TYPED_TEST(PageTableTest, StagedPagesAreTakenBack) {
    for (unsigned i = 0; i < 600; ++i) {
        const VirtAddr at = base + i * page_size;
        ASSERT_EQ(this->table.insert(at, this->frame(i), read, 0, Visibility::hidden), Status::ok);
    }
    this->reap({base, base + 600 * page_size});
    EXPECT_EQ(this->account.used(), 1u);
}

// A table that another range still uses stays; one that the MMU may walk is not freed before it was hidden.
TYPED_TEST(PageTableTest, FreesTablesOnlyWhenHiddenAndEmpty) {
    auto& table = this->table;
    ASSERT_EQ(table.insert(base, this->frame(0), read, 0, Visibility::shown), Status::ok);
    ASSERT_EQ(table.insert(base + page_size, this->frame(1), read, 0, Visibility::shown), Status::ok);
    const u64 full = this->account.used();
    this->remove({base, base + page_size});
    EXPECT_EQ(this->account.used(), full);
    EXPECT_TRUE(table.translate(base + page_size));
    this->hide({base + page_size, base + 2 * page_size});
    EXPECT_EQ(this->account.used(), full);
    // Used again between hide and reap: the table lives on.
    ASSERT_EQ(table.insert(base, this->frame(2), read, 0, Visibility::shown), Status::ok);
    EXPECT_TRUE(table.translate(base));
    this->reap({base + page_size, base + 2 * page_size});
    EXPECT_EQ(this->account.used(), full);
    EXPECT_TRUE(table.translate(base));
    this->remove({base, base + page_size});
    EXPECT_EQ(this->account.used(), 1u);
}

// The end of the range lies in a hole: the table is hidden with its last page, or it would outlive it.
TYPED_TEST(PageTableTest, TakesATableOutWhoseEndIsAHole) {
    ASSERT_EQ(this->table.insert(base, this->frame(0), read, 0, Visibility::shown), Status::ok);
    this->remove({base, base + 2 * page_size});
    EXPECT_EQ(this->account.used(), 1u);
}

// A range that is all hole hides nothing: whose page the table holds walks it still.
TYPED_TEST(PageTableTest, NeverFreesATableThatTheMmuMayWalk) {
    ASSERT_EQ(this->table.insert(base, this->frame(0), read, 0, Visibility::shown), Status::ok);
    const u64 full = this->account.used();
    EXPECT_FALSE(this->hide({base + page_size, base + 3 * page_size}));
    this->reap({base + page_size, base + 3 * page_size});
    EXPECT_EQ(this->account.used(), full);
    EXPECT_TRUE(this->table.translate(base));
    this->reap({base, base + page_size}, true);
    EXPECT_EQ(this->account.used(), 1u);
}

TYPED_TEST(PageTableTest, SplitsLargePages) {
    auto& table = this->table;
    ASSERT_EQ(table.insert(base, this->frame(512), write, 1, Visibility::shown), Status::ok);
    EXPECT_EQ(table.translate(base + 0x12345)->leaf_size, large_page_size);
    ASSERT_EQ(table.split(base, false), Status::ok);
    EXPECT_EQ(table.translate(base)->leaf_size, large_page_size);
    fail_allocation_after(1);
    EXPECT_EQ(table.split(base + 5 * page_size, false), Status::no_memory);
    EXPECT_EQ(table.translate(base)->leaf_size, large_page_size);
    ASSERT_EQ(table.split(base + 5 * page_size, false), Status::ok);
    for (unsigned i = 0; i < 512; ++i) {
        const auto found = table.translate(base + i * page_size);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->address, this->frame(512 + i));
        EXPECT_EQ(found->protection, write);
        EXPECT_EQ(found->leaf_size, page_size);
    }
    this->remove({base, base + large_page_size});
}

TYPED_TEST(PageTableTest, NothingIsHalfDoneWithoutMemory) {
    for (u64 n = 1; n < TypeParam::levels(); ++n) {
        fail_allocation_after(n);
        EXPECT_EQ(this->table.insert(base, this->frame(0), read, 0, Visibility::shown), Status::no_memory);
        EXPECT_EQ(this->account.used(), 1u);
    }
    this->account.set_limit(3);
    const Status expected = TypeParam::levels() > 3 ? Status::no_memory : Status::ok;
    EXPECT_EQ(this->table.insert(base, this->frame(0), read, 0, Visibility::shown), expected);
    this->remove({base, base + page_size});
}

TYPED_TEST(PageTableTest, ProtectionChangesAskForAFlush) {
    auto& table = this->table;
    const VirtRange one{base, base + page_size};
    bool flush = false;
    ASSERT_EQ(table.insert(base, this->frame(0), read, 0, Visibility::shown), Status::ok);
    EXPECT_EQ(table.protect(one, read, 9, flush), one.end);
    EXPECT_FALSE(flush);
    EXPECT_EQ(table.protect(one, write, 9, flush), one.end);
    EXPECT_TRUE(flush);
    EXPECT_EQ(table.translate(base)->protection, write);
    EXPECT_EQ(table.protect(one, Protection::user, 9, flush), one.end); // no access at all
    EXPECT_FALSE(table.translate(base));
    EXPECT_EQ(table.frame_at(base), this->frame(0));
    EXPECT_EQ(table.protect(one, code, 9, flush), one.end);
    EXPECT_EQ(table.translate(base)->protection, code);
    this->remove(one);
}

// long: one random machine
TYPED_TEST(PageTableTest, AgreesWithAModelUnderRandomUse) {
    struct Page {
        PhysAddr frame;
        Protection protection;
    };
    std::mt19937 random{99};
    std::map<u64, Page> model;
    auto& table = this->table;
    constexpr u64 window = 4096; // pages: eight tables
    const auto at = [](u64 page) { return base + page * page_size; };
    const auto cut = [&](u64 first, u64 last) {
        ASSERT_EQ(table.split(at(first), false), Status::ok);
        ASSERT_EQ(table.split(at(last), false), Status::ok);
    };
    for (u64 step = 0; step < 4000; ++step) {
        const u64 first = random() % window;
        const u64 last = std::min<u64>(window, first + 1 + random() % (random() % 4 == 0 ? 1500 : 40));
        const Protection kinds[] = {read, write, code};
        const Protection protection = kinds[random() % 3];
        switch (random() % 4) {
        case 0: {
            const u64 large = first & ~u64{511};
            const bool free = model.lower_bound(large) == model.lower_bound(large + 512);
            const PhysAddr frame = this->frame(large + 512);
            const Status status = table.insert(at(large), frame, protection, 1, Visibility::shown);
            ASSERT_EQ(status, free ? Status::ok : Status::overlap);
            if (!free) break;
            for (u64 i = 0; i < 512; ++i) model[large + i] = {frame + i * page_size, protection};
            break;
        }
        case 1:
            for (u64 page = first; page < last; ++page) {
                const PhysAddr frame = this->frame(page + step);
                const Status status = table.insert(at(page), frame, protection, 0, Visibility::shown);
                ASSERT_EQ(status == Status::ok, !model.contains(page));
                if (status == Status::ok) model[page] = {frame, protection};
            }
            break;
        case 2: {
            cut(first, last);
            bool flush = false;
            for (VirtRange rest{at(first), at(last)}; !rest.empty();) {
                rest.begin = table.protect(rest, protection, 64, flush);
            }
            for (auto i = model.lower_bound(first); i != model.lower_bound(last); ++i) {
                i->second.protection = protection;
            }
            break;
        }
        default:
            cut(first, last);
            for (auto i = model.lower_bound(first); i != model.end() && i->first < last;) {
                const u64 run = i->first;
                u64 end = run;
                for (; i != model.end() && i->first == end && end < last; ++end) i = model.erase(i);
                this->remove({at(run), at(end)});
            }
        }
        if (step % 100 != 0) continue;
        for (u64 page = 0; page < window; ++page) {
            const auto found = table.translate(at(page));
            const auto expected = model.find(page);
            ASSERT_EQ(found.has_value(), expected != model.end());
            if (!found) continue;
            ASSERT_EQ(found->address, expected->second.frame);
            ASSERT_EQ(found->protection, expected->second.protection);
        }
    }
    this->reap({base, at(window)}, true);
    EXPECT_EQ(this->account.used(), 1u);
}

} // namespace
} // namespace chorale::test
