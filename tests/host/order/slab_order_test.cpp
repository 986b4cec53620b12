// Memory order of what goes from hand to hand through the allocators: stable objects with their serial, and
// address space identifiers.
#include "kernel/mem/slab.hpp"

#include "kernel/mem/asid.hpp"
#include "tests/host/mem/memory_machine.hpp"
#include "tests/host/order/together.hpp"

#include <gtest/gtest.h>

#include <machine/mmu.hpp>

#include <array>
#include <vector>

namespace chorale::test {
namespace {

constexpr std::chrono::milliseconds test_time{500};
constexpr unsigned cpus = 3;

// As a thread: the serial counts lives and is read by whoever has an old pointer; the rest is the owner's.
struct alignas(cache_line) Stable {
    std::atomic<u64> serial{};
    u64 contents{};
};
constinit Cache<Stable, Reuse::stable> stables{"order"};

TEST(SlabOrder, AnObjectComesWithWhatItsLastUserWrote) {
    start_memory();
    std::atomic<u64> wrong{0};
    Together together{cpus};
    together.run(test_time, [&](CpuIndex cpu, u64 round) {
        const OnCpu here{cpu};
        // More than a magazine holds, so that objects go from CPU to CPU.
        std::array<Stable*, 3 * Magazine::capacity> objects{};
        for (Stable*& object : objects) {
            const auto made = stables.make();
            if (!made.ok()) continue;
            object = made.value();
            // relaxed, here and below: what orders it is what is tested
            const u64 serial = object->serial.fetch_add(1, std::memory_order_relaxed);
            if (object->contents != serial) wrong.fetch_add(1);
            object->contents = 0;
        }
        dawdle(round + cpu);
        for (Stable* const object : objects) {
            if (object == nullptr) continue;
            object->contents =
                object->serial.fetch_add(1, std::memory_order_relaxed) + 1; // relaxed: see above
            stables.destroy(object);
        }
    });
    EXPECT_EQ(wrong.load(), 0u);
}

// Whoever holds an old pointer never sees the serial go back.
TEST(SlabOrder, SerialsOnlyGrowForWhoeverLooks) {
    start_memory();
    const OnCpu boot{0};
    std::array<Stable*, 8> known{};
    for (Stable*& object : known) object = stables.make().value();
    std::array<u64, known.size()> seen{};
    for (std::size_t i = 0; i < known.size(); ++i) {
        // relaxed, here and below: one location
        seen[i] = known[i]->serial.load(std::memory_order_relaxed);
        known[i]->contents = known[i]->serial.load(std::memory_order_relaxed);
        stables.destroy(known[i]);
    }
    std::atomic<u64> wrong{0};
    Together together{cpus};
    together.run(test_time / 2, [&](CpuIndex cpu, u64) {
        const OnCpu here{cpu};
        if (cpu == 0) {
            for (std::size_t i = 0; i < known.size(); ++i) {
                const u64 serial = known[i]->serial.load(std::memory_order_relaxed); // relaxed: one location
                if (serial < seen[i]) wrong.fetch_add(1);
                seen[i] = serial;
            }
            return;
        }
        const auto made = stables.make();
        if (!made.ok()) return;
        made.value()->serial.fetch_add(2, std::memory_order_relaxed); // relaxed: as above
        made.value()->contents += 2;
        stables.destroy(made.value());
    });
    EXPECT_EQ(wrong.load(), 0u);
}

// What the last holder of an identifier did, the flush above all, is over when the next one gets it.
TEST(AsidOrder, AnIdentifierComesAfterItsLastHoldersWork) {
    machine::set_asid_limit(24);
    std::vector<u64> work(24);
    Together together{cpus};
    together.run(test_time, [&](CpuIndex, u64) {
        const unsigned first = allocate_asid(), second = allocate_asid();
        for (const unsigned asid : {first, second}) {
            if (asid != 0) ++work[asid];
        }
        free_asid(first);
        free_asid(second);
    });
    u64 sum = 0;
    for (const u64 count : work) sum += count;
    EXPECT_EQ(sum, together.rounds() * cpus * 2);
    machine::set_asid_limit(4096);
}

} // namespace
} // namespace chorale::test
