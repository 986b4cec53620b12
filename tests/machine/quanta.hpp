// Threads of the real-time class with a quantum, and a record of who had the CPU for how long: in virtual
// time, where it is exact.
#pragma once

#include "arch/host/engine.hpp"
#include "tests/machine/solo.hpp"

namespace chorale::test {

inline constexpr KnRtPriority real_time_number = 120;
inline constexpr unsigned real_time_priority = 255 - real_time_number;
// Switches, interrupts, and the step in which a thread looks at the time.
inline constexpr u64 slack = 2 * microsecond;

[[nodiscard]] inline u64 now() { return host::engine().now(); }

[[nodiscard]] host::Task<void> work_for(u64 nanoseconds);
[[nodiscard]] host::Task<void> make_real_time(KnCap actor, long thread, u64 quantum);

// From when on: 1, with all that worked for it, or 2.
struct Stint {
    unsigned who;
    u64 begun, lost; // lost to a better thread before
};
struct Show {
    std::vector<Stint> stints;
    u64 lost{};
    bool over{};

    void hold(unsigned who) {
        if (!over && (stints.empty() || stints.back().who != who)) stints.push_back({who, now(), lost});
    }
    // How long each stint took, but for the first ones: the classes were being set.
    void expect(unsigned who, u64 least, u64 most) const;
};
using ShowPointer = std::shared_ptr<Show>;

[[nodiscard]] host::Task<void> take_turns(ShowPointer show, unsigned who);

} // namespace chorale::test
