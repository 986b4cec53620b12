// Two spaces whose pages come when they are touched and go from one to the other, step by step as the calls
// do it.
#pragma once

#include "kernel/mem/space.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <machine/user_access.hpp>

#include <array>

namespace chorale::test {

inline constexpr Protection read_write = Protection::read | Protection::write;
inline constexpr VirtAddr window{0x4000'0000};
inline constexpr u64 plenty = 1'000'000;

class SharedPages : public ::testing::Test {
  protected:
    SharedPages() {
        start_memory();
        for (Space& space : spaces) EXPECT_EQ(space.create(plenty), Status::ok);
        EXPECT_TRUE(spaces[0].allocate(page_size, read_write).ok()); // the first slab of regions
        EXPECT_EQ(free_range(0, Space::anywhere_begin, page_size), Status::ok);
        frames = free_frame_count() + spaces[0].pages() + spaces[1].pages();
    }
    ~SharedPages() override {
        fail_allocation_after(0);
        use_space(nullptr);
        machine::load_root(0);
        for (Space& space : spaces) {
            space.whole_flush().apply(0);
            while (!space.destroy_step()) {
            }
        }
        EXPECT_EQ(live_regions(), 0u);
        EXPECT_EQ(free_frame_count(), frames);
    }

    void enter(unsigned which) {
        spaces[which].enter_cpu(0);
        machine::load_root(spaces[which].root());
        use_space(&spaces[which]);
    }
    [[nodiscard]] Status free_range(unsigned which, VirtAddr at, uword size) {
        return spaces[which].free({at, at + size}, [](const TlbFlush& flush) { flush_at_once(flush); });
    }
    [[nodiscard]] Status protect_range(unsigned which, VirtAddr at, uword size, Protection protection) {
        return spaces[which].protect({at, at + size}, protection,
                                     [](const TlbFlush& flush) { flush_at_once(flush); });
    }
    [[nodiscard]] Result<VirtAddr> reserve(unsigned which, VirtAddr at, uword size,
                                           Protection protection = read_write, RangeWork* work = nullptr) {
        return spaces[which].reserve(size, protection, {at}, {}, Backing::frames, work);
    }
    // All of a transfer, as the calls do it step by step.
    [[nodiscard]] Status transfer(unsigned from, VirtRange range, unsigned to, VirtAddr at, Transfer how,
                                  Protection protection = read_write) {
        RangeWork lender, taker;
        Status status = spaces[from].begin_lend(range, true, lender);
        if (status != Status::ok) return status;
        const auto made = reserve(to, at, range.size(), protection, &taker);
        status = made.status();
        if (made.ok()) taker.range = {at, at + range.size()};
        while (status == Status::ok && lender.at < range.end) {
            PageBatch batch;
            status = spaces[from].lend(lender, how, batch);
            if (status == Status::ok) status = spaces[to].take(batch, at - range.begin);
        }
        if (lender.flush_needed) flush_at_once(spaces[from].flush_for(lender));
        spaces[from].finish_change(lender);
        if (!made.ok()) return status;
        if (status == Status::ok) {
            spaces[to].finish_change(taker);
            return status;
        }
        spaces[to].give_up(taker);
        while (!spaces[to].hide_step(taker)) {
        }
        flush_at_once(spaces[to].flush_for(taker));
        while (!spaces[to].reap_step(taker)) {
        }
        return status;
    }

    std::array<Space, 2> spaces;
    u64 frames{};
};

} // namespace chorale::test
