// Pages that come when they are touched, and pages that several regions have: random operations on two
// spaces, compared with a model that knows of bytes only.
#include "shared_pages.hpp"

#include <gtest/gtest.h>

#include <machine/user_access.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace chorale::test {
namespace {

constexpr unsigned window_pages = 600;

// A page of the model: what it holds, and with which other pages it is shared.
using Cell = std::shared_ptr<u8>;

struct Model {
    struct Page {
        Cell cell;
        bool writable;
    };
    std::map<u64, Page> pages; // by address
};

TEST_F(SharedPages, ComeWhenTouched) {
    enter(0);
    const u64 before = spaces[0].pages();
    ASSERT_TRUE(reserve(0, window, 1024 * large_page_size).ok());
    EXPECT_EQ(spaces[0].pages(), before);
    const u64 word = 7;
    EXPECT_TRUE(machine::copy_out(window + 5 * page_size - 4, &word, sizeof word));
    u64 seen = 1;
    EXPECT_TRUE(machine::copy_in(&seen, window + 900 * large_page_size, sizeof seen));
    EXPECT_EQ(seen, 0u);
    EXPECT_EQ(spaces[0].copy_from({reinterpret_cast<std::byte*>(&seen), 8}, window + 5 * page_size - 4),
              Status::ok);
    EXPECT_EQ(seen, 7u);
    EXPECT_LE(spaces[0].pages(), before + 3 + 5);
    EXPECT_EQ(free_range(0, window, 1024 * large_page_size), Status::ok);
    EXPECT_FALSE(machine::copy_out(window + 5 * page_size, &word, sizeof word));
}

TEST_F(SharedPages, CannotComeWithoutMemory) {
    enter(0);
    ASSERT_TRUE(reserve(0, window, 16 * page_size).ok());
    u64 word = 0;
    for (u64 n = 1; n <= 5; ++n) {
        fail_allocation_after(n);
        const bool there = machine::copy_out(window, &word, sizeof word);
        if (there) break;
        EXPECT_EQ(spaces[0].pages(), 1u);
        EXPECT_LE(n, 4u);
    }
    fail_allocation_after(0);
    spaces[0].set_page_limit(spaces[0].pages());
    EXPECT_EQ(spaces[0].resolve(window + page_size, Protection::read), Status::no_memory);
    EXPECT_EQ(spaces[0].copy_to(window + page_size, {reinterpret_cast<std::byte*>(&word), 8}),
              Status::no_memory);
    spaces[0].set_page_limit(plenty);
    EXPECT_EQ(spaces[0].populate({window, window + 32 * page_size}, Protection::read, 100).status(),
              Status::address);
    EXPECT_EQ(spaces[0].resolve(VirtAddr{8}, Protection::read), Status::fault);
    EXPECT_EQ(spaces[0].resolve(Space::user_end(), Protection::read), Status::fault);
}

TEST_F(SharedPages, TransferFailsWithoutATrace) {
    enter(0);
    ASSERT_TRUE(reserve(0, window, 8 * page_size).ok());
    const u64 word = 9;
    for (unsigned i = 0; i < 6; ++i) EXPECT_TRUE(machine::copy_out(window + i * page_size, &word, 8));
    ASSERT_EQ(transfer(0, {window, window + 2 * page_size}, 1, VirtAddr{0x1000'0000}, Transfer::share),
              Status::ok);
    const u64 regions = spaces[1].regions();
    for (const Transfer how : {Transfer::copy, Transfer::share}) {
        for (u64 n = 1;; ++n) {
            fail_allocation_after(n);
            const Status status = transfer(0, {window, window + 8 * page_size}, 1, window, how);
            const bool failed = allocations_before_failure() == 0;
            fail_allocation_after(0);
            if (status == Status::ok) {
                EXPECT_EQ(free_range(1, window, 8 * page_size), Status::ok);
            } else {
                EXPECT_EQ(status, Status::no_memory);
                EXPECT_EQ(spaces[1].regions(), regions);
            }
            if (!failed) break;
        }
    }
    EXPECT_EQ(transfer(0, {window, window + 9 * page_size}, 1, window, Transfer::copy), Status::address);
}

TEST_F(SharedPages, LockedRangesStay) {
    ASSERT_TRUE(reserve(0, window, 8 * page_size).ok());
    const VirtRange middle{window + 2 * page_size, window + 4 * page_size};
    EXPECT_EQ(spaces[0].lock_range(middle), Status::ok);
    EXPECT_EQ(spaces[0].lock_range(middle), Status::ok);
    EXPECT_EQ(Space::locked_pages(), 2u);
    EXPECT_EQ(free_range(0, window, 8 * page_size), Status::timeout);
    EXPECT_EQ(free_range(0, window, 2 * page_size), Status::ok);
    EXPECT_EQ(spaces[0].unlock_range({middle.begin, middle.end + page_size}), Status::invalid);
    EXPECT_EQ(spaces[0].unlock_range(middle), Status::ok);
    EXPECT_EQ(protect_range(0, middle.begin, page_size, Protection::read), Status::timeout);
    EXPECT_EQ(spaces[0].unlock_range(middle), Status::ok);
    EXPECT_EQ(spaces[0].unlock_range(middle), Status::invalid);
    EXPECT_EQ(spaces[0].unlock_range({window, window + page_size}), Status::address);
    EXPECT_EQ(Space::locked_pages(), 0u);
    EXPECT_EQ(spaces[0].lock_range(middle), Status::ok); // the end of the space takes the lock along
}

// ---- against the model -------------------------------------------------------------------------

class AgainstModel : public SharedPages {
  protected:
    struct Place {
        VirtAddr at;
        unsigned pages;
    };
    [[nodiscard]] Place place() {
        const unsigned first = random() % window_pages;
        const unsigned pages = 1 + random() % (random() % 8 == 0 ? 540 : 12);
        return {window + first * page_size, std::min(pages, window_pages - first)};
    }
    [[nodiscard]] bool all_there(unsigned which, Place where) const {
        for (unsigned i = 0; i < where.pages; ++i)
            if (!models[which].pages.contains(where.at.raw() + i * page_size)) return false;
        return true;
    }
    [[nodiscard]] bool any_there(unsigned which, Place where) const {
        const auto first = models[which].pages.lower_bound(where.at.raw());
        return first != models[which].pages.end() && first->first < where.at.raw() + where.pages * page_size;
    }

    void bring(unsigned which, Place where) {
        const bool taken = any_there(which, where);
        const Protection protection = random() % 4 == 0 ? Protection::read : read_write;
        const uword size = where.pages * page_size;
        const auto made = reserve(which, where.at, size, protection);
        ASSERT_EQ(made.status(), taken ? Status::overlap : Status::ok);
        if (taken) return;
        if (random() % 3 == 0) {
            for (VirtAddr at = where.at; at < where.at + size;) {
                const auto next = spaces[which].populate({at, where.at + size}, Protection::read, 3);
                ASSERT_TRUE(next.ok());
                at = next.value();
            }
        }
        for (unsigned i = 0; i < where.pages; ++i)
            models[which].pages[where.at.raw() + i * page_size] = {std::make_shared<u8>(0),
                                                                   allows(protection, Protection::write)};
    }
    void remove(unsigned which, Place where) {
        const Status expected = any_there(which, where) ? Status::ok : Status::address;
        ASSERT_EQ(free_range(which, where.at, where.pages * page_size), expected);
        auto& pages = models[which].pages;
        pages.erase(pages.lower_bound(where.at.raw()),
                    pages.lower_bound(where.at.raw() + where.pages * page_size));
    }
    void protect(unsigned which, Place where) {
        const bool writable = random() % 2 == 0;
        const Status expected = any_there(which, where) ? Status::ok : Status::address;
        ASSERT_EQ(
            protect_range(which, where.at, where.pages * page_size, writable ? read_write : Protection::read),
            expected);
        for (unsigned i = 0; i < where.pages; ++i) {
            const auto found = models[which].pages.find(where.at.raw() + i * page_size);
            if (found != models[which].pages.end()) found->second.writable = writable;
        }
    }
    void move(unsigned from, Place source, unsigned to, VirtAddr at) {
        const Place target{at, source.pages};
        if (at + source.pages * page_size > window + window_pages * page_size) return;
        const Transfer how = random() % 2 == 0 ? Transfer::copy : Transfer::share;
        const bool possible = all_there(from, source), taken = any_there(to, target);
        const VirtRange range{source.at, source.at + source.pages * page_size};
        const Status expected = !possible ? Status::address : taken ? Status::overlap : Status::ok;
        const Status seen = transfer(from, range, to, at, how);
        if (expected == Status::address && seen == Status::address) return;
        ASSERT_EQ(seen, expected);
        if (seen != Status::ok) return;
        for (unsigned i = 0; i < source.pages; ++i) {
            const Cell& cell = models[from].pages[source.at.raw() + i * page_size].cell;
            const Cell mine = how == Transfer::share ? cell : std::make_shared<u8>(*cell);
            models[to].pages[at.raw() + i * page_size] = {mine, true};
        }
    }
    // As the program, as a call, or as vmCopy from another actor, which may write where the program may not.
    void touch(unsigned which, Place where) {
        enter(which);
        for (unsigned i = 0; i < where.pages; ++i) {
            const VirtAddr page = where.at + i * page_size, byte = page + 1234;
            const auto found = models[which].pages.find(page.raw());
            u8 seen = 0xee;
            const bool there = found != models[which].pages.end();
            ASSERT_EQ(machine::copy_in(&seen, byte, 1), there);
            if (!there) continue;
            ASSERT_EQ(seen, *found->second.cell) << std::hex << page.raw() << " of " << which;
            const auto mark = static_cast<u8>(random());
            bool written = false;
            switch (random() % 4) {
            case 0:
                written = machine::copy_out(byte, &mark, 1);
                break;
            case 1:
                written =
                    spaces[which].copy_to(byte, {reinterpret_cast<const std::byte*>(&mark), 1}) == Status::ok;
                break;
            case 2: {
                const auto put = [&](std::byte* at, std::size_t) {
                    *at = std::byte{mark};
                    return true;
                };
                ASSERT_EQ(spaces[which].visit(byte, 1, Protection::read | Protection::copy, put), Status::ok);
                *found->second.cell = mark;
                continue;
            }
            default:
                continue;
            }
            ASSERT_EQ(written, found->second.writable);
            if (written) *found->second.cell = mark;
        }
    }

    std::mt19937 random{1};
    std::array<Model, 2> models;
};

TEST_F(AgainstModel, EveryPageHoldsWhatItShould) {
    for (unsigned step = 0; step < 6000 && !HasFatalFailure(); ++step) {
        const unsigned which = random() % 2;
        const Place where = place();
        switch (random() % 10) {
        case 0:
        case 1:
            bring(which, where);
            break;
        case 2:
            remove(which, where);
            break;
        case 3:
            protect(which, where);
            break;
        case 4:
        case 5:
            move(which, where, random() % 2, place().at);
            break;
        default:
            touch(which, where);
            break;
        }
    }
    for (const unsigned which : {0u, 1u}) touch(which, {window, window_pages});
}

} // namespace
} // namespace chorale::test
