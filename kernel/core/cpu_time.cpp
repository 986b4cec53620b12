#include "kernel/core/cpu_time.hpp"

#include "kernel/supervisor/handler.hpp"
#include "kernel/time/virtual_timeout.hpp"

#include <machine/timer.hpp>

namespace chorale {

namespace {

// Its execution actor is not its home.
[[nodiscard]] bool is_abroad(const Thread& thread) { return &execution_actor(thread) != thread.actor; }

// By the account's only writer.
void add(Relaxed<u64>& account, u64 cycles) { account.store(account.load() + cycles); }

void on_limit(Timer&) {
    PerCpu& cpu = this_cpu();
    charge(cpu);
    if (cpu.meter.of != nullptr) watch_limit(cpu, *cpu.meter.of);
}

} // namespace

void charge(PerCpu& cpu) {
    const u64 now = machine::cycles();
    const u64 used = now - cpu.meter.since;
    cpu.meter.since = now;
    Thread* const thread = cpu.meter.of;
    if (thread == nullptr) return;
    CpuTime& time = thread->scheduling.time;
    const bool abroad = is_abroad(*thread);
    add(abroad ? time.abroad : time.home, used);
    if (thread->has(flag_metered)) [[unlikely]]
        look_at_limits(*thread, used, abroad);
}

// The timer may come early: then it is set again.
void watch_limit(PerCpu& cpu, const Thread& thread) {
    const u64 left = until_limit(thread);
    if (left == TimeLimit::never) return;
    cpu.meter.limit.expire = on_limit;
    cpu.timers.arm(cpu.meter.limit, machine::now() + left);
    cpu.pending |= pending_alarm;
}

void leave_meter(PerCpu& cpu, const Thread& thread) {
    if (cpu.meter.of != &thread) return;
    charge(cpu);
    Thread* const current = cpu.current;
    const bool runs = current != nullptr && current != &thread && current->doing() == Doing::running;
    cpu.meter.of = runs ? current : nullptr;
}

// The thread may be the client of a fast chain for which the meter runs, or a server in it: from now on the
// meter runs for who has the CPU.
void start_metering(Thread& thread) {
    PerCpu& cpu = this_cpu();
    thread.set(flag_metered);
    if (cpu.meter.of == nullptr) return;
    charge(cpu);
    if (cpu.current != nullptr && cpu.current->doing() == Doing::running) cpu.meter.of = cpu.current;
}

void look_again(Thread& thread) {
    PerCpu& cpu = this_cpu();
    if (cpu.meter.of == &thread) watch_limit(cpu, thread);
}

TimesUsed times_used(const CpuTime& time) {
    return {machine::duration(time.home.load()), machine::duration(time.abroad.load())};
}

void add_times(CpuTime& sum, const CpuTime& time) {
    add(sum.home, time.home.load());
    add(sum.abroad, time.abroad.load());
}

long times_operation(Thread& target, const Question& question) {
    start_metering(target);
    look_again(target); // what it is limited to may have changed
    const TimesUsed used = times_used(target.scheduling.time);
    question.answer[0] = used.home;
    question.answer[1] = used.abroad;
    return K_OK;
}

} // namespace chorale
