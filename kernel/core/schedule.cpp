#include "kernel/core/schedule.hpp"

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

constexpr unsigned timers_per_look = 16;  // bounds the time with interrupts off
u64 idle_spins = 0;

void program_timer(PerCpu& cpu, u64 earliest) {
    cpu.programmed_deadline = earliest;
    if (earliest == TimerQueue::never) {
        machine::cancel_deadline();
    } else {
        machine::set_deadline(earliest);
    }
}

// Takes the CPU from the current thread. A preempted one stays first among its equals.
void retire_current(PerCpu& cpu) {
    Thread& thread = *cpu.current;
    release_fpu(cpu);
    if (thread.doing() == Doing::running) {
        thread.now_doing(Doing::ready);
        cpu.ready.push_front(thread, thread.priority);
    }
    cpu.current = nullptr;
}

[[nodiscard]] bool keeps_cpu(const PerCpu& cpu) {
    const Thread* const thread = cpu.current;
    return thread != nullptr && thread->doing() == Doing::running && thread->priority <= cpu.top_ready;
}

// The best ready thread becomes the current one; nullptr: there is none.
[[nodiscard]] Thread* elect(PerCpu& cpu) {
    if (cpu.current != nullptr) retire_current(cpu);
    Schedulable* const best = cpu.ready.pop();
    if (best == nullptr) return nullptr;
    auto& thread = static_cast<Thread&>(*best);
    thread.now_doing(Doing::running);
    cpu.current = &thread;
    ++cpu.counters.switches;
    return &thread;
}

void load_space(PerCpu& cpu, const Thread& thread) {
    const u64 root = thread.space->root();
    if (root == cpu.space_root) return;
    cpu.space_root = root;
    machine::load_root(root);
}

[[nodiscard]] bool work_waits(const PerCpu& cpu) { return cpu.pending != 0 || cpu.inbox.rung(); }

// While polling, a request needs no doorbell. The markers let an instruction counter tell waiting from working.
void idle(PerCpu& cpu) {
    cpu.inbox.poll();
    machine::marker<machine::Marker::idle_begins>();
    for (u64 spin = 0; spin < idle_spins && !work_waits(cpu); ++spin) machine::relax();
    machine::marker<machine::Marker::idle_ends>();
    if (cpu.inbox.stop_polling() && cpu.pending == 0 && !cpu.inbox.overflows()) machine::wait_for_interrupt();
}

}  // namespace

void set_idle_polling(u64 spins) { idle_spins = spins; }

void yield(Thread& self) {
    PerCpu& cpu = this_cpu();
    if (cpu.top_ready != self.priority) return;  // a better one would be running: none is as good
    release_fpu(cpu);
    self.now_doing(Doing::ready);
    auto& next = static_cast<Thread&>(cpu.ready.rotate(self));
    next.now_doing(Doing::running);
    cpu.current = &next;
    ++cpu.counters.switches;
}

void make_ready(Thread& thread) {
    PerCpu& cpu = this_cpu();
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
    this_cpu().timers.arm(thread.timer, deadline);
    thread.set(flag_timed);
}

void disarm_timer(Thread& thread) {
    if (!thread.has(flag_timed)) return;
    this_cpu().timers.cancel(thread.timer);
    thread.clear(flag_timed);
}

void release_fpu(PerCpu& cpu) {
    if (cpu.fpu_live == 0) return;
    machine::fpu_save(cpu.current->fpu_area);
    cpu.fpu_live = 0;
}

void attend(PerCpu& cpu) {
    if ((cpu.pending & pending_timer) != 0) {
        cpu.pending &= ~static_cast<u32>(pending_timer);
        if (!cpu.timers.expire_due(machine::now(), timers_per_look)) cpu.pending |= pending_timer;
    }
    cpu.pending &= ~static_cast<u32>(pending_reschedule | pending_mail);
    if (cpu.inbox.rung()) cpu.inbox.drain();
}

void leave() {
    PerCpu& cpu = this_cpu();
    for (;;) {
        if (work_waits(cpu)) attend(cpu);
        if (cpu.inbox.overflows()) [[unlikely]] cpu.inbox.flush();
        Thread* const thread = keeps_cpu(cpu) ? cpu.current : elect(cpu);
        const u64 earliest = cpu.timers.earliest();
        if (earliest != cpu.programmed_deadline) [[unlikely]] program_timer(cpu, earliest);
        if (thread == nullptr) {
            idle(cpu);
        } else if (work_waits(cpu)) {
            machine::interrupt_window();  // long work piece by piece: let the hardware have its say in between
        } else if (thread->continuation != nullptr) {
            load_space(cpu, *thread);
            auto* const next = thread->continuation;
            thread->continuation = nullptr;
            next(*thread);
        } else {
            machine::resume(thread->frame, thread->space->root());
        }
    }
}

extern "C" {
[[noreturn]] void chorale_leave();  // the name that the entry code knows
void chorale_leave() { leave(); }
}

void on_timer() {
    PerCpu& cpu = this_cpu();
    cpu.pending |= pending_timer;
    cpu.programmed_deadline = TimerQueue::never;  // one shot: it must be set again
}

void on_doorbell() { this_cpu().pending |= pending_mail; }

void on_device(unsigned) {}

}  // namespace chorale
