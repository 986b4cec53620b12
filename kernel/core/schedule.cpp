#include "kernel/core/schedule.hpp"

#include "kernel/base/log.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/wait.hpp"
#include "kernel/mem/space.hpp"

#include <machine/cpu.hpp>
#include <machine/exit.hpp>
#include <machine/fpu.hpp>
#include <machine/marker.hpp>
#include <machine/mmu.hpp>
#include <machine/timer.hpp>

namespace chorale {

namespace {

constexpr unsigned timers_per_look = 16; // bounds the time with interrupts off
constexpr u64 spin_stretch = 200;        // with interrupts off
u64 idle_polling = 0;                    // nanoseconds

// Only when the earliest deadline has come nearer: an alarm that comes too early does no harm, it sets the
// next one.
void program_timer(PerCpu& cpu) {
    const u64 earliest = cpu.timers.earliest();
    if (earliest >= cpu.programmed_deadline) return;
    cpu.programmed_deadline = earliest;
    machine::set_deadline(earliest);
}

// A preempted thread stays first among its equals.
[[gnu::noinline]] void preempt(PerCpu& cpu, Thread& thread) {
    thread.now_doing(Doing::ready);
    cpu.ready.push_front(thread, thread.priority);
}

[[nodiscard]] bool keeps_cpu(const PerCpu& cpu) {
    const Thread* const thread = cpu.current;
    return thread != nullptr && thread->doing() == Doing::running && thread->priority <= cpu.top_ready;
}

// The best ready thread becomes the current one; nullptr: there is none.
[[nodiscard]] Thread* elect(PerCpu& cpu) {
    release_fpu(cpu);
    if (Thread* const last = cpu.current; last != nullptr && last->doing() == Doing::running)
        preempt(cpu, *last);
    cpu.current = nullptr;
    Schedulable* const best = cpu.ready.pop();
    if (best == nullptr) return nullptr;
    auto& thread = static_cast<Thread&>(*best);
    thread.now_doing(Doing::running);
    cpu.current = &thread;
    cpu.counters.switches.count();
    return &thread;
}

void load_space(PerCpu& cpu, const Thread& thread) {
    const u64 root = thread.space->root();
    if (root == cpu.space_root) return;
    cpu.space_root = root;
    machine::load_root(root);
}

[[nodiscard]] bool work_waits(const PerCpu& cpu) { return cpu.pending != 0 || cpu.inbox.rung(); }

// While polling, a request needs no doorbell. The markers let an instruction counter tell waiting from
// working; the window in between lets the timer in.
void poll(PerCpu& cpu) {
    u64 begun = 0; // read only when the first stretch brought nothing: usually the answer is quicker
    while (idle_polling != 0) {
        machine::marker<machine::Marker::idle_begins>();
        for (u64 spin = 0; spin < spin_stretch && !work_waits(cpu); ++spin) machine::relax();
        machine::marker<machine::Marker::idle_ends>();
        if (work_waits(cpu)) return;
        machine::interrupt_window();
        const u64 now = machine::now();
        if (begun == 0) begun = now;
        if (now - begun >= idle_polling) return;
    }
}

void idle(PerCpu& cpu) {
    cpu.inbox.poll();
    poll(cpu);
    // Also with requests that did not fit a ring: the receiver rings back when it has emptied it.
    if (cpu.inbox.stop_polling() && cpu.pending == 0) machine::wait_for_interrupt();
}

} // namespace

void set_idle_polling(u64 nanoseconds) { idle_polling = nanoseconds; }

[[noreturn]] [[gnu::noinline]] static void yield_with_flags(PerCpu& cpu, Thread& self) {
    release_fpu(cpu);
    self.now_doing(Doing::ready);
    cpu.ready.push_back(self, self.priority);
    leave();
}

void yield(Thread& self) {
    PerCpu& cpu = this_cpu();
    if (cpu.top_ready != self.priority) leave(); // a better one would be running
    if (self.state != state_running) [[unlikely]]
        yield_with_flags(cpu, self);
    // Without a flag: no floating-point registers to save, on either side nothing to be attended to.
    self.state = state_ready;
    auto& next = static_cast<Thread&>(cpu.ready.rotate(self));
    cpu.current = &next;
    cpu.counters.switches.count();
    // From ready to running: what is left are its flags.
    const u32 state = next.state -= state_ready - state_running;
    if (state == state_running && !work_waits(cpu) && next.continuation == nullptr) [[likely]] {
        machine::resume(next.frame, next.space->root());
    }
    leave();
}

[[gnu::always_inline]] void make_ready(Thread& thread) {
    PerCpu& cpu = this_cpu();
    const bool free = cpu.current == nullptr || cpu.current->doing() >= Doing::receiving;
    if (free && cpu.top_ready == RunQueue::none && cpu.fpu_live == 0) {
        // Nobody has the CPU and nobody waits for it: no way round by the run queue.
        thread.now_doing(Doing::running);
        cpu.current = &thread;
        cpu.counters.switches.count();
        return;
    }
    thread.now_doing(Doing::ready);
    cpu.ready.push_back(thread, thread.priority);
    if (cpu.current != nullptr && thread.priority < cpu.current->priority) cpu.pending |= pending_reschedule;
}

void wake(Thread& thread, long result) {
    disarm_timer(thread);
    thread.frame.set_result(result);
    thread.continuation = nullptr;
    make_ready(thread);
}

void wake_with(Thread& thread, void (*next)(Thread&)) {
    disarm_timer(thread);
    thread.continuation = next;
    make_ready(thread);
}

void set_priority(Thread& thread, u16 priority) {
    PerCpu& cpu = this_cpu();
    if (thread.priority == priority) return;
    thread.priority = priority;
    if (RunQueue::contains(thread)) {
        cpu.ready.remove(thread);
        make_ready(thread);
    } else if (cpu.current == &thread && cpu.top_ready < priority) {
        cpu.pending |= pending_reschedule;
    }
}

void arm_timer(Thread& thread, u64 deadline) {
    thread.timer.expire = [](Timer& timer) { on_timeout(*static_cast<ThreadTimer&>(timer).thread); };
    PerCpu& cpu = this_cpu();
    cpu.timers.arm(thread.timer, deadline);
    if (deadline < cpu.programmed_deadline) cpu.pending |= pending_alarm;
    thread.set(flag_timed);
}

void cancel_timer(Thread& thread) {
    this_cpu().timers.cancel(thread.timer);
    thread.clear(flag_timed);
}

void save_fpu(PerCpu& cpu) {
    machine::fpu_save(cpu.current->fpu_area);
    cpu.current->clear(flag_fpu);
    cpu.fpu_live = 0;
}

namespace {

[[gnu::noinline]] void attend_timers(PerCpu& cpu) {
    if ((cpu.pending & pending_timer) != 0) {
        cpu.pending &= ~static_cast<u32>(pending_timer);
        if (!cpu.timers.expire_due(machine::now(), timers_per_look)) cpu.pending |= pending_timer;
    }
    cpu.pending &= ~static_cast<u32>(pending_alarm);
    program_timer(cpu);
    machine::marker<machine::Marker::timers_served>();
}

// A slice at a time; what else has come up meanwhile is attended to in between.
[[gnu::noinline]] void send_text(PerCpu& cpu) {
    if (console_send(console_everything)) cpu.pending &= ~static_cast<u32>(pending_console);
    machine::interrupt_window();
}

void attend(PerCpu& cpu) {
    if ((cpu.pending & (pending_timer | pending_alarm)) != 0) [[unlikely]]
        attend_timers(cpu);
    cpu.pending &= ~static_cast<u32>(pending_reschedule | pending_mail);
    if (cpu.inbox.rung()) cpu.inbox.drain();
    if ((cpu.pending & pending_console) != 0) [[unlikely]]
        send_text(cpu);
    if (cpu.inbox.overflows()) [[unlikely]]
        cpu.inbox.flush();
}

// The part of a thread's work in the nucleus that could not be done when it arose.
void continue_thread(PerCpu& cpu, Thread& thread) {
    machine::interrupt_window(); // long work comes piece by piece: the hardware has its say in between
    load_space(cpu, thread);
    auto* const next = thread.continuation;
    thread.continuation = nullptr;
    next(thread);
}

} // namespace

// Whatever waits is attended to, then the best thread goes on, or the CPU idles.
void leave() {
    PerCpu& cpu = this_cpu();
    for (;;) {
        if (work_waits(cpu)) attend(cpu);
        Thread* const thread = keeps_cpu(cpu) ? cpu.current : elect(cpu);
        if (thread == nullptr) {
            idle(cpu);
        } else if (thread->continuation != nullptr) {
            continue_thread(cpu, *thread);
        } else if (thread->has(flag_held)) [[unlikely]] {
            thread->now_doing(Doing::held);
        } else if (!work_waits(cpu)) {
            machine::resume(thread->frame, thread->space->root());
        }
    }
}

extern "C" {
[[noreturn]] CHORALE_NO_RETURN_CALL void chorale_leave(); // the name that the entry code knows
void chorale_leave() { leave(); }
}

void on_timer() {
    machine::marker<machine::Marker::timer_taken>();
    PerCpu& cpu = this_cpu();
    cpu.pending |= pending_timer | pending_alarm;
    cpu.programmed_deadline = TimerQueue::never; // one shot: it must be set again
}

void on_doorbell() { this_cpu().pending |= pending_mail; }

void on_device(unsigned) {}

} // namespace chorale
