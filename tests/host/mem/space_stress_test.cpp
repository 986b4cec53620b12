// Many CPUs in one address space: pages come and go on all of them, each CPU with a TLB of its own that
// forgets only what it is told to. A page that is reused too early shows the stamp of another region.
#include "kernel/mem/space.hpp"
#include "memory_machine.hpp"

#include <gtest/gtest.h>

#include <machine/user_access.hpp>

#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace chorale::test {
namespace {

constexpr unsigned cpus = 4;
constexpr Protection read_write = Protection::read | Protection::write;

struct Block {
    VirtAddr at;
    uword size;
    u64 stamp;
};

class Machine {
  public:
    Machine() { start_memory(); }

    void run(unsigned index, int steps) {
        const OnCpu cpu{index};
        std::mt19937 random{index + 1};
        space.enter_cpu(index);
        machine::load_root(space.root());
        for (int step = 0; step < steps; ++step) {
            serve(index);
            switch (random() % 4) {
            case 0:
                bring(random());
                break;
            case 1:
                take(index, random());
                break;
            default:
                look(random());
            }
        }
        finished.fetch_add(1);
        while (finished.load() < cpus) {
            serve(index);
            machine::relax();
        }
        machine::load_root(0);
        space.whole_flush().apply(0);
    }

    Space space;
    std::atomic<u64> errors{0};
    std::mutex lock;
    std::vector<Block> blocks;

  private:
    // What a mailbox does in the nucleus: one pending flush for each pair of CPUs. seq_cst: simple, and in
    // the nucleus it is the mailbox that orders.
    void serve(unsigned index) {
        for (auto& from : requests) {
            const TlbFlush* const flush = from[index].load();
            if (flush == nullptr) continue;
            flush->apply(space.root());
            from[index].store(nullptr);
        }
    }
    void flush_everywhere(unsigned index, const TlbFlush& flush) {
        for (unsigned to = 0; to < cpus; ++to) {
            if ((flush.cpus >> to & 1) == 0) continue;
            if (to == index)
                flush.apply(space.root());
            else
                requests[index][to].store(&flush);
        }
        for (unsigned to = 0; to < cpus; ++to) {
            while (requests[index][to].load() != nullptr) {
                serve(index);
                machine::relax();
            }
        }
    }

    void bring(u64 random) {
        const uword pages = random % 16 == 0 ? 600 : 1 + random % 40;
        const auto at = space.allocate(pages * page_size, read_write);
        if (!at.ok()) return;
        const Block block{at.value(), pages * page_size, stamps.fetch_add(1)};
        for (uword offset = 0; offset < block.size; offset += page_size) {
            if (!machine::copy_out(block.at + offset, &block.stamp, sizeof block.stamp)) ++errors;
        }
        const std::lock_guard held{lock};
        blocks.push_back(block);
    }
    void take(unsigned index, u64 random) {
        Block block{};
        {
            const std::lock_guard held{lock};
            if (blocks.size() < 8) return;
            block = blocks[random % blocks.size()];
            blocks[random % blocks.size()] = blocks.back();
            blocks.pop_back();
        }
        // First a part of it, then the rest.
        const uword part = round_up(block.size / 2, page_size);
        const auto flush = [&](const TlbFlush& all) { flush_everywhere(index, all); };
        if (space.free({block.at, block.at + part}, flush) != Status::ok) ++errors;
        if (part == block.size) return;
        if (space.free({block.at + part, block.at + block.size}, flush) != Status::ok) ++errors;
    }
    void look(u64 random) {
        const std::lock_guard held{lock};
        if (blocks.empty()) return;
        const Block& block = blocks[random % blocks.size()];
        for (uword offset = 0; offset < block.size; offset += page_size) {
            u64 stamp = 0;
            if (!machine::copy_in(&stamp, block.at + offset, sizeof stamp) || stamp != block.stamp) ++errors;
        }
    }

    std::atomic<u64> stamps{1};
    std::atomic<unsigned> finished{0};
    std::array<std::array<std::atomic<const TlbFlush*>, cpus>, cpus> requests{};
};

TEST(SpaceStressTest, NoCpuSeesAPageThatIsGone) {
    Machine all;
    const u64 before = free_frame_count();
    ASSERT_EQ(all.space.create(20'000), Status::ok);
    std::vector<std::thread> threads;
    for (unsigned index = 0; index < cpus; ++index) {
        threads.emplace_back([&all, index] { all.run(index, 3000); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(all.errors, 0u);
    EXPECT_EQ(all.space.cpus(), (u64{1} << cpus) - 1);
    while (!all.space.destroy_step()) {
    }
    EXPECT_EQ(live_regions(), 0u);
    EXPECT_GE(free_frame_count() + 16, before); // slabs of regions may stay
}

} // namespace
} // namespace chorale::test
