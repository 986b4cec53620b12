// What a CPU records while a trace runs, and where it notices.
//
// While none runs, nothing of this is on any path: what a trace needs is to be got by what is there anyway.
//   calls     use another entry (CallEntry::traced) that tells note_call() and goes the slow way. note_call()
//             leaves pending_trace, with which no CPU goes to user mode, so leave() looks again: trace_past()
//             finds what the thread has sent, trace_future() who goes on, and what its call has come to.
//   calls of supervisor mode are told by what the tables of calls lead to meanwhile (wrap_calls())
//   switches  the trace counts as a thread with a quantum (PerCpu::quanta), so that every switch goes by
//             change_turn(), which tells note_switch()
//   steps     of long work: a thread's continuation is replaced by one that looks again behind it. The bit
//             itself may not stay: such work ends a step when something is pending.
//   handlers  on the thread, another system's calls above all: `returned` in their record is replaced as well
//   messages  are found by what a thread has afterwards: its exchanges and its current message
//   interrupts  are found by their counters, when the CPU looks next
//   page faults tell it by `reaching`, which is not 0
//
// Context: all on the CPU's own, with interrupts off.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct Actor;
struct PerCpu;
struct Thread;

inline constexpr u32 traced_share = 1u << 16; // of PerCpu::quanta

struct TracedCall {
    u32 number; // index in the call list, or another system's
    bool foreign;
    u64 value[4]; // as K_TRACE_CALL has them
};

// One of those that have a message in registers.
[[nodiscard]] TracedCall traced_message(u32 number, u64 name, u64 tail, u64 size);

// By the current thread: from the entry code of user mode, or from a gate.
void note_call(const TracedCall& call);

// What the tables of calls lead to meanwhile, by machine::traced_gate: the call of that number.
extern "C" long chorale_traced_gate(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 number);

// By leave(), while pending_trace: first what the thread that had the CPU has done; then, when nothing else
// is to be done before, who goes on.
void trace_past(PerCpu& cpu);
void trace_future(PerCpu& cpu, Thread* next);

[[gnu::noinline]] void note_switch(PerCpu& cpu, Thread* last);

void note_fault(u64 address, u64 pc, bool exception);
void note_device(unsigned line);
void note_actor(Actor& actor); // it exists, or has another name
void note_actor_end(Actor& actor);

// What the thread is to go on with, whatever a trace has put in between.
[[nodiscard]] void (*continuation_of(const Thread& thread))(Thread&);

} // namespace chorale
