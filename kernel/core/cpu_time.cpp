#include "kernel/core/cpu_time.hpp"

#include "kernel/supervisor/handler.hpp"

#include <machine/timer.hpp>

namespace chorale {

namespace {

// Its execution actor is not its home.
[[nodiscard]] bool is_abroad(const Thread& thread) {
    return &execution_actor(thread) != thread.actor;
}

// By the account's only writer.
void add(Relaxed<u64>& account, u64 cycles) { account.store(account.load() + cycles); }

// Nanoseconds.
[[nodiscard]] u64 limited_time(const Thread& thread) {
    const CpuTime& time = thread.scheduling.time;
    return machine::duration(time.home.load() + (thread.scheduling.limit.abroad ? time.abroad.load() : 0));
}

void look_at_limit(Thread& thread) {
    TimeLimit& limit = thread.scheduling.limit;
    if (limit.at == TimeLimit::never || limited_time(thread) < limit.at) return;
    limit.at = TimeLimit::never;
    limit.reached(thread);
}

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
    add(is_abroad(*thread) ? time.abroad : time.home, used);
    if (thread->has(flag_metered)) [[unlikely]]
        look_at_limit(*thread);
}

// The timer may come early: then it is set again.
void watch_limit(PerCpu& cpu, const Thread& thread) {
    const TimeLimit& limit = thread.scheduling.limit;
    if (limit.at == TimeLimit::never) return;
    const u64 used = limited_time(thread);
    cpu.meter.limit.expire = on_limit;
    cpu.timers.arm(cpu.meter.limit, machine::now() + (limit.at > used ? limit.at - used : 0));
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

void limit_time(Thread& thread, u64 nanoseconds, bool abroad, void (*reached)(Thread&)) {
    start_metering(thread);
    TimeLimit& limit = thread.scheduling.limit;
    limit.abroad = abroad;
    limit.reached = reached;
    limit.at = nanoseconds == TimeLimit::never ? TimeLimit::never : limited_time(thread) + nanoseconds;
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
    const TimesUsed used = times_used(target.scheduling.time);
    question.answer[0] = used.home;
    question.answer[1] = used.abroad;
    return K_OK;
}

} // namespace chorale
