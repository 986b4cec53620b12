// The trace as a whole: one at a time, for all CPUs, from traceStart to traceStop, or to the end of the actor
// that started it. The rings are that actor's, on its account, and last until it starts the next trace,
// somebody else does, or it ends.
//
// CPUs begin and end to record when a tour visits them. A ring is given back after a tour that came behind
// the phase in which it could be read: who reads does so within one entry.
#pragma once

#include "kernel/core/call_entry.hpp"
#include "kernel/trace/ring.hpp"

namespace chorale {

struct Actor;
struct Thread;

void use_untraced_entry(CallEntry entry); // at boot: which one is the usual

// The calls (exec/chTrace.h); the first two end by a result that comes later.
[[nodiscard]] long start_trace(Thread& self, unsigned records);
[[nodiscard]] long stop_trace(Thread& self);
[[nodiscard]] long read_trace(CpuIndex cpu, VirtAddr records, unsigned count);

// By the thread that deletes the actor, when none of the actor's own is left: `next` runs when the actor has
// no trace any more; `again` is to be called for the same after a while.
void end_trace_of(Thread& self, Actor& actor, void (*next)(Thread&), void (*again)(Thread&));

// For inspection, while no CPU is at work.
struct TraceMemory {
    const Actor* owner{};
    unsigned order{}, count{};
    const PhysAddr* place{};
};
[[nodiscard]] TraceMemory trace_memory();

// ---- each CPU's part (recorder.cpp), on that CPU ---------------------------------------------------------

[[nodiscard]] TraceRing& trace_ring(CpuIndex cpu);
void start_recording(u32 run, KnTraceRecord* records, u64 count);
void stop_recording(CallEntry untraced); // if it records

} // namespace chorale
