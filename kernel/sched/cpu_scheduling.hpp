// What the scheduler of one CPU keeps beside the run queue. Only the owning CPU touches it, but for the
// request for work, which travels.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/core/mailbox.hpp"
#include "kernel/time/timer_queue.hpp"

namespace chorale {

struct Thread;

// Whose CPU time is counted, since when (kernel/core/cpu_time.hpp).
struct Meter {
    Thread* of{}; // null: nobody's, and `since` is when the CPU found something to do again
    u64 since{};  // cycles
    Timer limit;
};

// Whose quantum is being used, since when (kernel/core/turn.hpp).
struct Turn {
    Thread* of{};
    u64 begun{}; // nanoseconds
    Timer end;
};

// How a CPU gets work from others (kernel/core/pull.hpp).
struct WorkRequest : Request {
    CpuIndex asker{};
    CpuIndex best_cpu{};
    u32 best{};   // the best priority of those found
    bool out{};   // on its way
    bool again{}; // to be sent once more when it is home
};
struct Pull {
    u64 bit{}; // of this CPU among those that are hungry; 0: it takes nobody's threads
    u32 period{};
    Timer patience; // while it stands still, its deadline is when a period ended last
    WorkRequest request;
};

} // namespace chorale
