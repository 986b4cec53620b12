// What the scheduler knows of a thread beside what the fast path touches. The owner of the thread writes it;
// the times may be read by others.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

#include <chorus.h>

namespace chorale {

// CPU time, in cycles of the machine's counter: at home, and in other actors' code (cross-actor invocations).
struct CpuTime {
    Relaxed<u64> home, abroad;
};

// Of a thread's CPU time, in nanoseconds: where a virtual timeout is due (kernel/time/virtual_timeout.hpp).
struct TimeLimit {
    static constexpr u64 never = ~u64{0};
    u64 home{never}, total{never};
};

struct Scheduling {
    KnSchedClass scheduling_class{K_SCHED_FIFO};
    bool bound{};    // stays on its CPU unless a program moves it
    u32 queued_in{}; // the period of its CPU in which it began to wait there (kernel/core/pull.hpp)
    u64 quantum{};   // nanoseconds; 0: none
    u64 left{};      // of the quantum, when its turn comes again
    CpuTime time;
    TimeLimit limit;
};

} // namespace chorale
