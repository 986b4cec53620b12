#include "kernel/core/shootdown.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/mem/space.hpp"

#include <machine/cpu.hpp>
#include <machine/ipi.hpp>

#include <array>
#include <atomic>
#include <bit>

namespace chorale {

namespace {

struct alignas(cache_line) Station {
    TlbFlush flush{};              // what its CPU asks of others
    std::atomic<u64> unanswered{}; // who has not done that yet
    std::atomic<u64> asked_by{};   // whose flush its CPU shall apply
};
constinit std::array<Station, max_cpus> stations;

[[nodiscard]] constexpr u64 bit(CpuIndex cpu) { return u64{1} << cpu; }

} // namespace

void answer_flushes() {
    const PerCpu& cpu = this_cpu();
    std::atomic<u64>& asked_by = stations[cpu.index].asked_by;
    if (asked_by.load(std::memory_order_relaxed) == 0) return; // relaxed: the exchange looks again
    // acquire: pairs with the release in flush_at_once(): the flush, and the page tables, were written before
    u64 askers = asked_by.exchange(0, std::memory_order_acquire);
    for (; askers != 0; askers &= askers - 1) {
        Station& asker = stations[static_cast<unsigned>(std::countr_zero(askers))];
        asker.flush.apply(cpu.space_root);
        // release: pairs with the acquire in flush_at_once(): this CPU is done with the page and the flush
        asker.unanswered.fetch_and(~bit(cpu.index), std::memory_order_release);
    }
}

// A CPU that waits here has interrupts off: it answers others itself, so that two that ask each other go on.
void flush_at_once(const TlbFlush& flush) {
    const PerCpu& cpu = this_cpu();
    flush.apply(cpu.space_root);
    const u64 others = flush.cpus & ~bit(cpu.index);
    if (others == 0) return;
    Station& own = stations[cpu.index];
    own.flush = flush;
    own.unanswered.store(others, std::memory_order_relaxed); // relaxed: published with asked_by
    for (u64 left = others; left != 0; left &= left - 1) {
        const auto to = static_cast<CpuIndex>(std::countr_zero(left));
        stations[to].asked_by.fetch_or(bit(cpu.index), std::memory_order_release); // release: see above
        machine::ring(to);
    }
    // acquire: see above
    while (own.unanswered.load(std::memory_order_acquire) != 0) {
        answer_flushes();
        machine::relax();
    }
}

} // namespace chorale
