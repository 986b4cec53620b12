// Very many objects of a kind, made and destroyed: nothing may be left of them. For both halves of the tests.
#pragma once

#include "check.hpp"
#include "settled.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

namespace chorale::test {

// bench.rounds=N: so many of each kind.
[[nodiscard]] inline unsigned rounds(unsigned usual) {
    const unsigned long wanted = environment_number("bench.rounds", 0);
    return wanted != 0 ? static_cast<unsigned>(wanted) : usual;
}

// What there is for good after the first: slabs keep their pages for their kind, and each CPU some objects.
inline constexpr unsigned warm_up = 256, at_a_time = 8;

// `make(i)` and `destroy(i)` of the i-th of those that exist at a time; false: it failed.
template <class Make, class Destroy>
bool turn_over(unsigned count, Make make, Destroy destroy) {
    bool good = true;
    for (unsigned done = 0; done < count && good; done += at_a_time) {
        for (unsigned i = 0; i < at_a_time; ++i) {
            good = make(i) && good;
        }
        for (unsigned i = at_a_time; i > 0; --i) {
            good = destroy((i + done) % at_a_time) && good;
        }
    }
    return good;
}

template <class Make, class Destroy>
void no_leak(Report& report, unsigned usual, Make make, Destroy destroy) {
    REQUIRE(turn_over(warm_up, make, destroy));
    const KnSysStatistics before = settled_statistics();
    REQUIRE(turn_over(rounds(usual), make, destroy));
    const KnSysStatistics after = settled_statistics();
    check_same_objects(report, before, after);
    // Slabs are where the work was done, so pages come and go with the CPUs that did it: what leaks takes
    // some each time.
    unsigned long pages = before.freePages, left = after.freePages;
    for (unsigned again = 0; again < 5 && left < pages; ++again) {
        pages = left;
        REQUIRE(turn_over(rounds(usual), make, destroy));
        left = settled_statistics().freePages;
    }
    CHECK(left >= pages);
}

} // namespace chorale::test
