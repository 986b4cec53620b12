// Each CPU reads its counter with the lock held. Who had it before has read earlier: so a counter that shows
// less than the largest value so far is behind.
#include "arch/x86_64/smp/counters.hpp"

#include "kernel/base/spin_lock.hpp"

#include <machine/cpu.hpp>

namespace chorale::machine {

namespace {

struct Readings {
    u64 largest{}, worst{};
};
constinit Guarded<Rank::console, Readings> readings;

} // namespace

void compare_counters() {
    readings.with([](Readings& all) {
        asm volatile("lfence" ::: "memory"); // not before the lock was taken
        const u64 now = cycles();
        asm volatile("lfence" ::: "memory"); // and not after it is given back
        if (now >= all.largest)
            all.largest = now;
        else if (all.largest - now > all.worst)
            all.worst = all.largest - now;
    });
}

u64 counters_apart() {
    return readings.with([](const Readings& all) { return all.worst; });
}

} // namespace chorale::machine
