// CPU time: threadTimes, and what virtual timeouts are made of.
//
// Each CPU has a meter that runs for one thread. Slow switches move it, and read the clock once. The fast
// path leaves it alone: what a server does for a client of its own CPU is on the account of the client then,
// or rather of whoever the meter ran for when the first call of the chain was made. Threads whose time
// somebody wants to know are *metered*: flag_metered keeps their exchanges off the fast path, so that theirs
// is exact. An idle CPU's meter runs for nobody.
#pragma once

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"

#include <machine/cpu.hpp>

namespace chorale {

// What has been used of this CPU up to now goes to the account of the thread that the meter runs for.
[[gnu::noinline]] void charge(PerCpu& cpu);

// After a change of its execution actor, or before its account is looked at.
inline void charge(Thread& self) {
    PerCpu& cpu = this_cpu();
    if (cpu.meter.of == &self) charge(cpu);
}

[[gnu::noinline]] void watch_limit(PerCpu& cpu, const Thread& thread);

// While the CPU has nothing to do the meter stands; begin_metering() when that ends.
inline void stop_meter(PerCpu& cpu) {
    if (cpu.meter.of == nullptr) return;
    charge(cpu);
    cpu.meter.of = nullptr;
}
inline void begin_metering(PerCpu& cpu) { cpu.meter.since = machine::cycles(); }

// The meter stands, and runs for `thread` from now on.
inline void start_meter(PerCpu& cpu, Thread& thread) {
    cpu.meter.of = &thread;
    if (thread.has(flag_metered)) [[unlikely]]
        watch_limit(cpu, thread);
}

// A thread goes that the meter may run for: it may be the caller of the one that has the CPU.
void leave_meter(PerCpu& cpu, const Thread& thread);

// A thread of this CPU: its time is exact from now on.
void start_metering(Thread& thread);

// A thread of this CPU: its limits have changed.
void look_again(Thread& thread);

// Of one thread, or of all of an actor that ever were: nanoseconds.
struct TimesUsed {
    u64 home{}, abroad{};
};
[[nodiscard]] TimesUsed times_used(const CpuTime& time);

// What was used goes to the actor's account of threads that are no more, under the lock of its tables.
void add_times(CpuTime& sum, const CpuTime& time);

// For ask(): the thread's time, in the question's `answer`.
[[nodiscard]] long times_operation(Thread& target, const Question& question);

} // namespace chorale
