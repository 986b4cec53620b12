#include "kernel/core/pull.hpp"

#include "kernel/core/lifetime.hpp"
#include "kernel/core/migration.hpp"

#include <machine/timer.hpp>

#include <bit>

namespace chorale {

alignas(cache_line) constinit std::atomic<u64> hungry{};
constinit u64 pull_period = 250'000;

namespace {

constexpr unsigned look_limit = 64;   // threads looked at, from the best on: bounds the time
constexpr u32 periods_of_waiting = 2; // one of them was a whole one

// It may change its CPU. One that serves a caller of this CPU by the fast path stays with it.
[[nodiscard]] bool may_leave(const Thread& thread) {
    return !thread.scheduling.bound && thread.client == nullptr && !engaged(thread) &&
           !thread.has(flag_dying) && !thread.has(flag_bind);
}

[[nodiscard]] Thread* best_waiting(PerCpu& cpu, u32 periods) {
    Schedulable* const found = cpu.ready.find(look_limit, [&](const Schedulable& waiting) {
        const auto& thread = static_cast<const Thread&>(waiting);
        return may_leave(thread) && cpu.pull.period - thread.scheduling.queued_in >= periods;
    });
    return static_cast<Thread*>(found);
}

// Periods end while the timer runs. When it has stood still for one or longer, all who wait get older by one,
// and it is not known of those who came meanwhile how long they have been waiting: true.
[[nodiscard]] bool catch_up(PerCpu& cpu) {
    Pull& pull = cpu.pull;
    if (pull.patience.armed()) return false;
    const u64 now = machine::now();
    if (now - pull.patience.deadline < pull_period) return false;
    pull.patience.deadline = now;
    ++pull.period;
    return true;
}

// Who is offered to a CPU that asks. If a better one may have been waiting as long, that is for the period
// that now begins to tell.
[[nodiscard]] const Thread* best_on_offer(PerCpu& cpu) {
    const bool unsure = catch_up(cpu);
    const Thread* const thread = best_waiting(cpu, periods_of_waiting);
    if (!unsure || thread == nullptr) return thread;
    return best_waiting(cpu, 0)->priority < thread->priority ? nullptr : thread;
}

[[nodiscard]] bool idle(const PerCpu& cpu) { return cpu.current == nullptr && cpu.ready.empty(); }

WorkRequest& work_request(Request& request) { return static_cast<WorkRequest&>(request); }

void send_around(PerCpu& cpu);

// At home. Work that the CPU has found meanwhile does not keep it from asking again later.
void come_home(Request& request) {
    PerCpu& cpu = this_cpu();
    work_request(request).out = false;
    if (!work_request(request).again) return;
    work_request(request).again = false;
    if (idle(cpu)) send_around(cpu);
}

void hand_over(Request& request) {
    PerCpu& cpu = this_cpu();
    const CpuIndex to = work_request(request).asker;
    // Without memory it stays.
    if (Thread* const thread = best_waiting(cpu, periods_of_waiting); thread != nullptr)
        static_cast<void>(move_thread(*thread, to));
    request.run = come_home;
    cpu.inbox.post(to, request);
}

void visit(Request& request) {
    PerCpu& cpu = this_cpu();
    WorkRequest& work = work_request(request);
    if (cpu.index == work.asker) {
        if (work.best == RunQueue::none || !idle(cpu)) {
            come_home(request);
            return;
        }
        request.run = hand_over;
        cpu.inbox.post(work.best_cpu, request);
        return;
    }
    const Thread* const thread = best_on_offer(cpu);
    if (thread != nullptr && thread->priority < work.best) {
        work.best = thread->priority;
        work.best_cpu = cpu.index;
    }
    watch_waiting(cpu);
    cpu.inbox.post((cpu.index + 1) % cpu_count(), request);
}

void send_around(PerCpu& cpu) {
    WorkRequest& work = cpu.pull.request;
    work.out = true;
    work.best = RunQueue::none;
    work.run = visit;
    cpu.inbox.post((cpu.index + 1) % cpu_count(), work);
}

// The nearest of them behind this CPU, so that they take turns.
void wake_a_hungry_one(PerCpu& cpu, u64 bits) {
    const u64 behind = bits & ~((u64{2} << cpu.index) - 1);
    const auto chosen = static_cast<CpuIndex>(std::countr_zero(behind != 0 ? behind : bits));
    // relaxed: that CPU finds its bit cleared when it looks, behind the bell
    hungry.fetch_and(~(u64{1} << chosen), std::memory_order_relaxed);
    cpu.inbox.wake_up(chosen);
}

void on_period_end(Timer&) {
    PerCpu& cpu = this_cpu();
    ++cpu.pull.period;
    // relaxed: see pull.hpp
    const u64 bits = hungry.load(std::memory_order_relaxed) & ~cpu.pull.bit;
    if (bits != 0 && best_waiting(cpu, periods_of_waiting) != nullptr) wake_a_hungry_one(cpu, bits);
    watch_waiting(cpu);
}

} // namespace

void start_pulling(PerCpu& cpu) {
    cpu.pull.bit = u64{1} << cpu.index;
    cpu.pull.request.asker = cpu.index;
}

void ask_for_work(PerCpu& cpu) {
    hungry.fetch_or(cpu.pull.bit, std::memory_order_seq_cst); // before the request: see pull.hpp
    if (cpu.pull.request.out) {
        cpu.pull.request.again = true;
    } else {
        send_around(cpu);
    }
}

void watch_waiting(PerCpu& cpu) {
    // relaxed: see pull.hpp
    const u64 bits = hungry.load(std::memory_order_relaxed) & ~cpu.pull.bit;
    if (cpu.pull.patience.armed() || bits == 0 || best_waiting(cpu, 0) == nullptr) return;
    static_cast<void>(catch_up(cpu));
    cpu.pull.patience.expire = on_period_end;
    cpu.timers.arm(cpu.pull.patience, machine::now() + pull_period);
    cpu.pending |= pending_alarm;
}

} // namespace chorale
