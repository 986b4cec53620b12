#include "kernel/trace/recorder.hpp"

#include "kernel/call/table.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/lap/direct_trap.hpp"
#include "kernel/supervisor/handler_record.hpp"
#include "kernel/trace/trace.hpp"

#include <chorus/calls.hpp>
#include <chorus/message_registers.h>
#include <machine/call_entry.hpp>
#include <machine/cpu.hpp>
#include <machine/supervisor.hpp>
#include <machine/timer.hpp>
#include <machine/user_access.hpp>

#include <array>
#include <utility>

namespace chorale {

namespace {

struct Recorder {
    TraceRing ring;
    u32 run{};            // the trace that runs here; 0: none
    u64 looked{};         // when it did last: what is found now is not older
    u64 who{};            // actor and thread that had the CPU then; 0: none
    KnTraceRecord next{}; // what is not 0 of the next record, but who and when
    u64 timer_interrupts{}, doorbells{};
};
constinit std::array<Recorder, max_cpus> recorders;

void look_at_clock(Recorder& here) { here.looked = machine::now(); }

[[nodiscard]] u32 number_of(const Actor& actor) { return actor.table_index + 1; }

// `thread`: null where the record is about none; then next.actor stays.
[[gnu::noinline]] void put(Recorder& here, u32 kind, const Thread* thread) {
    KnTraceRecord& record = here.next;
    record.time = here.looked;
    record.kind = kind;
    record.thread = -1;
    if (thread != nullptr) {
        record.actor = number_of(*thread->actor);
        record.thread = thread->lid;
    }
    here.ring.put(record);
    record = {};
}

// ---- messages --------------------------------------------------------------------------------------------

// Exchanges count on when a thread's memory is used again: with its address they are a message's number.
[[nodiscard]] u64 number_of(const void* memory, u64 count) {
    constexpr unsigned count_bits = 24;
    const u64 place = reinterpret_cast<uword>(memory) / cache_line;
    return (place << count_bits | (count & ((u64{1} << count_bits) - 1))) & ~K_TRACE_REPLY;
}

// What comes from nobody who could be asked, the nucleus itself, is numbered where it arrives.
[[nodiscard]] u64 number_of(const Message& message) {
    if (message.client != nullptr) return number_of(message.client, message.exchange);
    const bool sent = message.answered == nullptr && !message.call && message.exchange != 0;
    return sent ? number_of(reinterpret_cast<const void*>(message.transaction), message.exchange)
                : number_of(message.port, message.sequence);
}

[[nodiscard]] const Message* current_message(const Thread& thread) {
    return thread.has(flag_serving) ? thread.serving : nullptr;
}

[[nodiscard]] u64 number_of_current(const Thread& thread) {
    // relaxed: a client by the fast path is of this CPU
    if (thread.client != nullptr) return number_of(thread.client, thread.client->exchanges);
    const Message* const message = current_message(thread);
    return message == nullptr ? 0 : number_of(*message);
}

void put_message(Recorder& here, u32 kind, const Thread& thread, u64 number, u64 size) {
    here.next.value[0] = number;
    here.next.value[3] = size;
    put(here, kind, &thread);
}

#define CHORALE_NUMBER(number, name, ...) number_of_##name = number,
enum : u32 { CHORUS_BLOCK_CALLS(CHORALE_NUMBER) };
#undef CHORALE_NUMBER
constexpr u32 foreign_call = ThreadTrace::no_call - 1;

// ---- threads ---------------------------------------------------------------------------------------------

// The registers still say that its wait has brought this message: whoever waited when the trace began.
[[nodiscard]] bool just_received(const Thread& thread) {
    const Message* const message = current_message(thread);
    return message != nullptr && thread.client == nullptr &&
           thread.frame.message_name() == message->port_li &&
           thread.frame.message_tail() == message->sequence;
}

// What an older trace has left is forgotten, but not what leads back to its own continuation and record.
ThreadTrace& trace_of(const Recorder& here, Thread& thread) {
    ThreadTrace& trace = thread.trace;
    if (trace.run != here.run) {
        trace.run = here.run;
        trace.call = trace.inner = ThreadTrace::no_call;
        trace.sends = false;
        trace.exchanges = thread.exchanges;
        trace.current = just_received(thread) ? 0 : number_of_current(thread);
    }
    return trace;
}

// The nucleus's call in which it is at its level; no_call: none that is known.
[[nodiscard]] u32 call_of(const Thread& thread) {
    const ThreadTrace& trace = thread.trace;
    if (in_supervisor_mode(thread)) return trace.inner;
    return trace.foreign ? foreign_call : trace.call;
}

[[nodiscard]] bool calls(u32 call) { return call == MESSAGE_CALL || call == MESSAGE_IPC_CALL; }
[[nodiscard]] bool replies(u32 call) { return call == MESSAGE_REPLY_RECEIVE || call == number_of_ipcReply; }
// Others may restore what they have received before. What is not known was begun before the trace, or is a
// message in registers of supervisor mode.
[[nodiscard]] bool receives(u32 call) {
    return call == ThreadTrace::no_call || call == MESSAGE_REPLY_RECEIVE || call == MESSAGE_RECEIVE;
}

// Its call has been counted as an exchange, and then there was no way for the message.
[[nodiscard]] bool refused(const Thread& thread) {
    const auto result = static_cast<long>(thread.frame.result());
    return thread.doing() == Doing::running && thread.continuation == nullptr &&
           (result == K_EFULL || result == K_ENOMEM);
}

// Of supervisor mode no call was told; what it had in registers is still in its frame.
void find_target(const Thread& thread, ThreadTrace& trace) {
    if (std::exchange(trace.sends, false)) return;
    trace.target[0] = thread.frame.message_name();
    trace.target[1] = thread.frame.message_tail();
    trace.size = 0;
}

// What it has sent and received since it was looked at.
void find_messages(Recorder& here, Thread& thread) {
    ThreadTrace& trace = trace_of(here, thread);
    if (trace.exchanges != thread.exchanges) {
        trace.exchanges = thread.exchanges;
        find_target(thread, trace);
        if (!refused(thread)) {
            here.next.value[1] = trace.target[0];
            here.next.value[2] = trace.target[1];
            put_message(here, K_TRACE_SENT, thread, number_of(&thread, trace.exchanges), trace.size);
        }
    }
    const u64 current = number_of_current(thread);
    if (current == trace.current) return;
    if (trace.current != 0 && replies(call_of(thread)))
        put_message(here, K_TRACE_SENT, thread, trace.current | K_TRACE_REPLY, trace.size);
    trace.current = current;
    const Message* const message = current_message(thread);
    if (message == nullptr || !receives(call_of(thread))) return;
    look_at_clock(here); // not before it was sent
    here.next.value[1] = message->target.uiHead;
    here.next.value[2] = message->target.uiTail;
    put_message(here, K_TRACE_RECEIVED, thread, current, message->size);
}

// ---- what is looked at again later -----------------------------------------------------------------------

void look_soon() {
    PerCpu& cpu = this_cpu();
    if (recorders[cpu.index].run != 0) cpu.pending |= pending_trace;
}

void traced_step(Thread& self) {
    auto* const step = std::exchange(self.trace.step, nullptr);
    step(self);
    look_soon();
}

void handler_left(Thread& self, u64 result, u64 cookie) {
    auto* const returned = std::exchange(self.trace.returned, nullptr);
    look_soon();
    if (returned != nullptr) returned(self, result, cookie);
}

// The record of a handler that runs instead of its call's end. It is not one for the quick way any more.
void watch_handler(Thread& thread) {
    const VirtAddr record = thread.supervisor.innermost;
    const VirtAddr at = record + offsetof(HandlerRecord, returned);
    auto* const left = handler_left;
    SupervisorState before;
    decltype(thread.trace.returned) returned;
    if (!in_handler(thread)) return;
    if (!machine::supervisor_read(&before, record + offsetof(HandlerRecord, before), sizeof before)) return;
    if (before.innermost != VirtAddr{}) return; // a handler within another
    if (!machine::supervisor_read(&returned, at, sizeof returned) || returned == left) return;
    if (!machine::supervisor_write(at, &left, sizeof left)) return;
    thread.trace.returned = returned;
    leave_direct_trap(thread);
}

void put_result(Recorder& here, const Thread& thread, u32& call, bool foreign, long result) {
    const u32 known = call_of(thread);
    if (calls(known) || receives(known)) {
        if (result > 0) result &= 0xffff'ffff; // MESSAGE_STORED is above
        if (calls(known) && result >= 0) {
            const u64 number = number_of(&thread, thread.exchanges);
            put_message(here, K_TRACE_RECEIVED, thread, number | K_TRACE_REPLY, static_cast<u64>(result));
        }
    }
    here.next.call = std::exchange(call, ThreadTrace::no_call);
    here.next.result = result;
    here.next.value[0] = foreign ? 1 : 0;
    put(here, K_TRACE_RESULT, &thread);
}

// It goes on in its program, or in supervisor mode.
void end_call(Recorder& here, Thread& thread) {
    ThreadTrace& trace = thread.trace;
    const auto result = static_cast<long>(thread.frame.result());
    if (in_supervisor_mode(thread)) {
        if (trace.call != ThreadTrace::no_call) watch_handler(thread);
        if (trace.inner != ThreadTrace::no_call && trace.level == thread.supervisor.innermost.raw())
            put_result(here, thread, trace.inner, false, result);
    } else if (trace.call != ThreadTrace::no_call) {
        put_result(here, thread, trace.call, trace.foreign, result);
    }
}

// ---- who has the CPU -------------------------------------------------------------------------------------

void find_interrupts(Recorder& here, const Thread* interrupted, u64& seen, u64 count, u64 what) {
    for (; seen != count; ++seen) {
        here.next.value[0] = what;
        put(here, K_TRACE_INTERRUPT, interrupted);
    }
}

void look_at_cpu(Recorder& here, PerCpu& cpu) {
    look_at_clock(here);
    const Thread* const current = cpu.current;
    find_interrupts(here, current, here.timer_interrupts, cpu.counters.timer_interrupts, K_TRACE_TIMER);
    find_interrupts(here, current, here.doorbells, cpu.counters.doorbells, K_TRACE_DOORBELL);
}

// Told when another thread has the CPU than before, or none.
void tell_who(Recorder& here, const Thread* thread) {
    const u64 who =
        thread == nullptr ? 0 : u64{number_of(*thread->actor)} << 32 | static_cast<u32>(thread->lid);
    if (here.who == who) return;
    here.who = who;
    put(here, thread == nullptr ? K_TRACE_IDLE : K_TRACE_RUN, thread);
}

void watch_faults(PerCpu& cpu) {
    if (cpu.reaching == Reach::none) cpu.reaching = Reach::traced;
}

// ---- what a call sends -----------------------------------------------------------------------------------

void note_descriptors(ThreadTrace& trace, u64 body_at, u64 destination_at) {
    KnMsgDesc body{};
    KnIpcDest destination{};
    if (!machine::copy_in(&body, VirtAddr{body_at}, sizeof body)) body = {};
    if (destination_at != 0 && !machine::copy_in(&destination, VirtAddr{destination_at}, sizeof destination))
        destination = {};
    trace.target[0] = destination.target.uiHead;
    trace.target[1] = destination.target.uiTail;
    trace.size = body.bodySize;
}

void note_message(ThreadTrace& trace, u32 call, const u64 (&value)[4]) {
    switch (call) {
    case MESSAGE_CALL:
    case MESSAGE_SEND:
    case MESSAGE_REPLY_RECEIVE:
        trace.target[0] = value[0];
        trace.target[1] = value[1];
        trace.size = value[2];
        break;
    case MESSAGE_IPC_CALL:
    case MESSAGE_IPC_SEND:
        note_descriptors(trace, value[0], value[2]);
        break;
    case number_of_ipcReply:
        note_descriptors(trace, value[0], 0);
        break;
    default:
        return;
    }
    trace.sends = true;
}

} // namespace

TracedCall traced_message(u32 number, u64 name, u64 tail, u64 size) {
    if (K_TRACE_BY_REGISTERS(number)) return {number, false, {name, tail, size, 0}};
    return {number, false, {name, 0, number == MESSAGE_REPLY_RECEIVE ? size : 0, 0}};
}

void note_call(const TracedCall& call) {
    PerCpu& cpu = this_cpu();
    Recorder& here = recorders[cpu.index];
    Thread& self = *cpu.current;
    if (here.run == 0) return;
    look_at_cpu(here, cpu);
    tell_who(here, &self);
    ThreadTrace& trace = trace_of(here, self);
    const bool inner = in_supervisor_mode(self);
    if (inner) find_messages(here, self); // of a call that was not told
    trace.exchanges = self.exchanges;
    trace.current = number_of_current(self);
    (inner ? trace.inner : trace.call) = call.number;
    trace.level = self.supervisor.innermost.raw();
    if (!inner) trace.foreign = call.foreign;
    trace.sends = false;
    here.next.call = call.number;
    __builtin_memcpy(here.next.value, call.value, sizeof call.value);
    put(here, call.foreign ? K_TRACE_SYSTEM_CALL : K_TRACE_CALL, &self);
    watch_faults(cpu);
    if (!call.foreign) note_message(trace, call.number, call.value);
    cpu.pending |= pending_trace;
}

// A call by the tables. Those of user mode have been told by the entry. What ends at once is told at once:
// who has interrupts off does not come by leave().
extern "C" [[clang::no_sanitize("function")]] long chorale_traced_gate(u64 a, u64 b, u64 c, u64 d, u64 e,
                                                                       u64 f, u64 number) {
    number %= chorus::call_limit; // a gate's register has more above it
    const auto call = reinterpret_cast<long (*)(u64, u64, u64, u64, u64, u64)>(unwrapped_call(number));
    PerCpu& cpu = this_cpu();
    Recorder& here = recorders[cpu.index];
    Thread& self = *cpu.current;
    const u32 run = in_supervisor_mode(self) ? here.run : 0;
    if (run != 0) note_call({static_cast<u32>(number), false, {a, b, c, d}});
    const long result = call(a, b, c, d, e, f);
    if (run != 0 && run == here.run && cpu.current == &self && result != no_result && result != K_EFAULT &&
        self.trace.run == run && self.trace.inner == number) {
        find_messages(here, self);
        look_at_clock(here);
        put_result(here, self, self.trace.inner, false, result);
    }
    return result;
}

void trace_past(PerCpu& cpu) {
    if (cpu.current != nullptr) find_messages(recorders[cpu.index], *cpu.current);
}

void trace_future(PerCpu& cpu, Thread* next) {
    Recorder& here = recorders[cpu.index];
    look_at_cpu(here, cpu);
    watch_faults(cpu);
    tell_who(here, next);
    if (next == nullptr) return;
    static_cast<void>(trace_of(here, *next));
    if (next->continuation == nullptr) {
        find_messages(here, *next);
        end_call(here, *next);
    } else if (next->continuation != traced_step) {
        next->trace.step = std::exchange(next->continuation, traced_step);
    }
}

void note_switch(PerCpu& cpu, Thread* last) {
    if (last != nullptr) find_messages(recorders[cpu.index], *last);
    cpu.pending |= pending_trace;
}

[[gnu::noinline]] static void note_event(u32 kind, u64 a, u64 b, u64 c) {
    PerCpu& cpu = this_cpu();
    Recorder& here = recorders[cpu.index];
    if (here.run == 0) return;
    look_at_clock(here);
    here.next.value[0] = a;
    here.next.value[1] = b;
    here.next.value[2] = c;
    put(here, kind, cpu.current);
    if (kind == K_TRACE_INTERRUPT || b != 0) cpu.pending |= pending_trace;
}

void note_fault(u64 address, u64 pc, bool exception) {
    note_event(K_TRACE_FAULT, address, pc, exception ? 1 : 0);
}

void note_device(unsigned line) { note_event(K_TRACE_INTERRUPT, line, 0, 0); }

static void note_actor(u32 kind, Actor& actor) {
    Recorder& here = recorders[this_cpu().index];
    if (here.run == 0) return;
    look_at_clock(here);
    here.next.actor = number_of(actor);
    char name[K_ACTORNAMEMAX]{};
    if (kind == K_TRACE_ACTOR) read_actor_name(actor, name);
    __builtin_memcpy(here.next.value, name, sizeof here.next.value);
    put(here, kind, nullptr);
}

void note_actor(Actor& actor) { note_actor(K_TRACE_ACTOR, actor); }
void note_actor_end(Actor& actor) { note_actor(K_TRACE_ACTOR_END, actor); }

void (*continuation_of(const Thread& thread))(Thread&) {
    return thread.continuation == traced_step ? thread.trace.step : thread.continuation;
}

TraceRing& trace_ring(CpuIndex cpu) { return recorders[cpu].ring; }

void start_recording(u32 run, KnTraceRecord* records, u64 count) {
    PerCpu& cpu = this_cpu();
    Recorder& here = recorders[cpu.index];
    here.ring.open(records, count);
    here.run = run;
    here.who = 0;
    look_at_clock(here);
    here.timer_interrupts = cpu.counters.timer_interrupts;
    here.doorbells = cpu.counters.doorbells;
    cpu.quanta += traced_share;
    machine::use_call_entry(CallEntry::traced);
    watch_faults(cpu);
    cpu.pending |= pending_trace;
}

void stop_recording(CallEntry untraced) {
    PerCpu& cpu = this_cpu();
    Recorder& here = recorders[cpu.index];
    if (here.run == 0) return;
    here.run = 0;
    cpu.quanta -= traced_share;
    machine::use_call_entry(untraced);
    if (cpu.reaching == Reach::traced) cpu.reaching = Reach::none;
    cpu.pending &= ~static_cast<u32>(pending_trace);
}

} // namespace chorale
