// Vector clocks. See weak.hpp for what they mean.
#pragma once

#include "arch/host/weak/weak.hpp"

namespace chorale::weak {

using Position = std::uint32_t;

// Later than any position: "has not happened".
inline constexpr Position never = ~Position{0};

// For each CPU, the last of its positions that is known; 0: none.
struct Clock {
    Position of[max_cpus];

    void join(const Clock& other) {
        for (unsigned cpu = 0; cpu < max_cpus; ++cpu) {
            of[cpu] = of[cpu] < other.of[cpu] ? other.of[cpu] : of[cpu];
        }
    }
};

// What travels from a release to an acquire.
struct Knowledge {
    Clock ordered; // what happened before
    Clock
        visible; // what can no longer be overlooked: that, and what sequentially consistent fences passed on
    Position fences; // the last such fence that happened before, by its number

    void join(const Knowledge& other) {
        ordered.join(other.ordered);
        visible.join(other.visible);
        fences = fences < other.fences ? other.fences : fences;
    }
};

} // namespace chorale::weak
