#include "kernel/core/turn.hpp"

#include "kernel/base/log.hpp"
#include "kernel/core/pull.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/trace/recorder.hpp"

#include <machine/timer.hpp>

namespace chorale {

namespace {

constexpr unsigned chain_limit = 16; // callers behind a server that are looked at

// For whom this thread works, if that is a thread of this CPU.
[[nodiscard]] Thread* caller_of(const PerCpu& cpu, const Thread& thread) {
    if (thread.client != nullptr) return thread.client;
    const Message* const message = thread.has(flag_serving) ? thread.serving : thread.incoming;
    if (message == nullptr || !message->call) return nullptr;
    Thread* const client = message->client;
    // relaxed: who belongs to this CPU was made so by it. acquire: as in forward() (kernel/core/remote.cpp)
    if (client == nullptr || client == &thread ||
        client->serial.load(std::memory_order_relaxed) != message->client_serial ||
        client->cpu.load(std::memory_order_acquire) != cpu.index || client->has(flag_moving)) {
        return nullptr;
    }
    return client;
}

[[nodiscard]] Thread& payer_of(const PerCpu& cpu, Thread& thread) {
    Thread* payer = &thread;
    for (unsigned step = 0; step < chain_limit; ++step) {
        Thread* const caller = caller_of(cpu, *payer);
        if (caller == nullptr) break;
        payer = caller;
    }
    return *payer;
}

// Of the turn: quanta that passed while nobody waited passed unnoticed.
[[nodiscard]] u64 rest_of(const Turn& turn, u64 now) {
    const u64 used = now - turn.begun, left = turn.of->scheduling.left;
    if (used < left) return left - used;
    const u64 quantum = turn.of->scheduling.quantum;
    require(quantum != 0, "a turn of a thread that has no quantum");
    return quantum - (used - left) % quantum;
}

[[nodiscard]] bool contested(const PerCpu& cpu) { return cpu.top_ready <= cpu.turn.of->priority; }

// The current thread goes to the tail of its queue. When that is a server with a better priority than its
// caller's, the caller does so when it is answered: flag_turn_over keeps the reply off the fast path.
void on_turn_end(Timer&) {
    PerCpu& cpu = this_cpu();
    Thread* const payer = cpu.turn.of;
    if (payer == nullptr) return;
    cpu.turn.begun = machine::now();
    payer->scheduling.left = payer->scheduling.quantum;
    Thread* const current = cpu.current;
    if (current == nullptr || current->doing() != Doing::running || !contested(cpu)) return;
    if (current->priority < cpu.top_ready) {
        payer->set(flag_turn_over);
        return;
    }
    current->now_doing(Doing::ready);
    cpu.ready.push_back(*current, current->priority);
    note_waiting(cpu, *current);
}

void end_turn(PerCpu& cpu, u64 now, bool waited) {
    Thread* const before = cpu.turn.of;
    if (before == nullptr) return;
    before->scheduling.left = waited ? before->scheduling.quantum : rest_of(cpu.turn, now);
    cpu.turn.of = nullptr;
    cpu.timers.cancel(cpu.turn.end);
}

} // namespace

void change_turn(PerCpu& cpu, Thread& thread, Thread* last) {
    if ((cpu.quanta & traced_share) != 0) [[unlikely]]
        note_switch(cpu, last);
    Thread& payer = payer_of(cpu, thread);
    // From caller to server or back, the slow way: the turn goes on.
    if (cpu.turn.of == &payer) [[unlikely]] {
        if (last != nullptr && last != &thread) return;
    }
    const u64 now = machine::now();
    end_turn(cpu, now, last == nullptr || last->doing() != Doing::ready);
    payer.clear(flag_turn_over);
    if (payer.scheduling.quantum == 0) return;
    cpu.turn.of = &payer;
    cpu.turn.begun = now;
    cpu.pending |= pending_turn;
}

void watch_turn(PerCpu& cpu) {
    Turn& turn = cpu.turn;
    if (turn.of == nullptr) return;
    if (!contested(cpu)) {
        cpu.timers.cancel(turn.end);
        return;
    }
    if (turn.end.armed()) return;
    const u64 now = machine::now();
    turn.of->scheduling.left = rest_of(turn, now);
    turn.begun = now;
    turn.end.expire = on_turn_end;
    cpu.timers.arm(turn.end, now + turn.of->scheduling.left);
}

void give_up_turn(PerCpu& cpu, Thread& self) {
    if (cpu.turn.of == &self) end_turn(cpu, 0, true);
}

void set_quantum(Thread& thread, u64 quantum) {
    PerCpu& cpu = this_cpu();
    leave_turns(cpu, thread);
    thread.scheduling.quantum = thread.scheduling.left = quantum;
    join_turns(cpu, thread);
    if (cpu.current == nullptr || cpu.current->doing() != Doing::running || cpu.turn.of != nullptr) return;
    if (quantum != 0) change_turn(cpu, *cpu.current, nullptr);
}

void join_turns(PerCpu& cpu, Thread& thread) {
    if (thread.scheduling.quantum != 0) ++cpu.quanta;
}

void leave_turns(PerCpu& cpu, Thread& thread) {
    if (thread.scheduling.quantum == 0) return;
    --cpu.quanta;
    thread.clear(flag_turn_over);
    if (cpu.turn.of == &thread) end_turn(cpu, machine::now(), false);
}

} // namespace chorale
