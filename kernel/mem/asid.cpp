// The identifiers in use, a bitmap without a lock.
#include "kernel/mem/asid.hpp"

#include "kernel/base/log.hpp"
#include "kernel/mem/relaxed.hpp"

#include <machine/mmu.hpp>

#include <array>
#include <atomic>
#include <bit>

namespace chorale {

namespace {

constexpr unsigned most = 4096;
constexpr unsigned word_bits = 64;

// Bit 0 of the first word stands for "none", which is nobody's.
constinit std::array<std::atomic<u64>, most / word_bits> used{};
// Where to look first: identifiers come round as late as possible.
constinit Relaxed<unsigned> hint{1};

[[nodiscard]] u64 valid_bits(unsigned word, unsigned limit) {
    const unsigned first = word * word_bits;
    u64 bits = limit >= first + word_bits ? ~u64{0} : limit <= first ? 0 : (u64{1} << (limit - first)) - 1;
    if (word == 0) bits &= ~u64{1};
    return bits;
}

// The lowest free identifier of `word` at or above bit `from`, taken; 0: none.
[[nodiscard]] unsigned take_from(unsigned word, unsigned from, unsigned limit) {
    const u64 wanted = valid_bits(word, limit) & (~u64{0} << from);
    // acquire, here and below: pairs with the release in free_asid(): the flush that made it free precedes
    // its next use
    u64 taken = used[word].load(std::memory_order_acquire);
    u64 free = wanted & ~taken;
    while (free != 0) {
        const u64 bit = free & (~free + 1);
        // acquire: as above
        if (used[word].compare_exchange_weak(taken, taken | bit, std::memory_order_acquire)) {
            return word * word_bits + static_cast<unsigned>(std::countr_zero(bit));
        }
        free = wanted & ~taken;
    }
    return 0;
}

} // namespace

unsigned allocate_asid() {
    const unsigned machine_limit = machine::asid_limit();
    const unsigned limit = machine_limit < most ? machine_limit : most;
    const unsigned start = hint.load() % most;
    for (unsigned i = 0; i <= used.size(); ++i) {
        const unsigned word = (start / word_bits + i) % static_cast<unsigned>(used.size());
        const unsigned asid = take_from(word, i == 0 ? start % word_bits : 0, limit);
        if (asid == 0) continue;
        hint.store(asid + 1);
        return asid;
    }
    return 0;
}

void free_asid(unsigned asid) {
    if (asid == 0) return;
    const u64 bit = u64{1} << (asid % word_bits);
    // release: pairs with the acquire in take_from()
    const u64 before = used[asid / word_bits].fetch_and(~bit, std::memory_order_release);
    require((before & bit) != 0, "free of an address space identifier that is not in use");
}

unsigned asids_in_use() {
    unsigned count = 0;
    // relaxed: a statistic
    for (const std::atomic<u64>& word : used) {
        count += static_cast<unsigned>(std::popcount(word.load(std::memory_order_relaxed)));
    }
    return count;
}

} // namespace chorale
