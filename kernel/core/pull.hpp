// How a CPU with nothing to do gets threads that wait for another CPU. Threads that are not bound
// (Scheduling::bound) may be taken; what decides on each CPU stays its own run queue, and the priorities in
// it.
//
//   - A CPU that finds nothing to do sets its bit in `hungry`, once, and sends its request for work around.
//   The
//     request notes where the best thread waits that may be taken, goes there, and that CPU hands the thread
//     over by move_thread().
//   - A CPU where a thread begins to wait while others are hungry starts a timer, as does one that the
//   request
//     finds with such threads. What has waited through one whole period of it may be taken: threads that wait
//     for a moment, as servers and clients do for each other, stay together. At the end of each period in
//     which there is such a thread, one hungry CPU loses its bit and is woken up, and so asks again.
//
// Nothing is missed:
//   Core X (nothing to do)                       Core Y (a thread begins to wait)
//     A  hungry |= X         (seq_cst)             C  the thread is in the run queue (plain)
//     B  the request goes to Y (release)           D  reads hungry
// If Y runs the request after C, it finds the thread and starts the timer. Otherwise D comes after B, hence
// after A, and sees X. A bit that is still set although its CPU has found work by itself costs a useless
// wake-up, and is gone.
//
// Of those that may be taken the best goes. Where nobody asked for a while the timer stood still, and who
// came in that time looks younger than it is: it is not passed over by a worse one before another period has
// told.
//
// Each thread taken over takes one bit, and each bit is set again only by a CPU that has nothing to do: there
// are no more migrations than times of idleness, and at most one for each CPU and period.
#pragma once

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"

namespace chorale {

// The CPUs that ask for work, by a bit each.
extern std::atomic<u64> hungry;

extern u64 pull_period; // nanoseconds; only tests change it, before the nucleus starts

// `cpu` takes part from now on.
void start_pulling(PerCpu& cpu);

// In the idle loop.
[[gnu::noinline]] void ask_for_work(PerCpu& cpu);
inline void look_for_work(PerCpu& cpu) {
    // relaxed: only this CPU sets its bit; who clears it wakes this CPU up
    if ((~hungry.load(std::memory_order_relaxed) & cpu.pull.bit) != 0) [[unlikely]]
        ask_for_work(cpu);
}

// `thread` waits for this CPU from now on, behind another.
inline void note_waiting(PerCpu& cpu, Thread& thread) {
    if (thread.scheduling.bound) return;
    thread.scheduling.queued_in = cpu.pull.period;
    // relaxed: see above
    if (hungry.load(std::memory_order_relaxed) != 0) cpu.pending |= pending_offer;
}

// Starts the timer, if it does not run: pending_offer.
[[gnu::noinline]] void watch_waiting(PerCpu& cpu);

} // namespace chorale
