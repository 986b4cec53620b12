#include "kernel/core/schedule.hpp"

#include "kernel/base/log.hpp"
#include "kernel/core/control.hpp"
#include "kernel/core/cpu_time.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/pull.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/shootdown.hpp"
#include "kernel/core/turn.hpp"
#include "kernel/core/wait.hpp"
#include "kernel/interrupt/lines.hpp"
#include "kernel/mem/space.hpp"
#include "kernel/sync/lending.hpp"
#include "kernel/trace/recorder.hpp"

#include <machine/cpu.hpp>
#include <machine/exit.hpp>
#include <machine/fpu.hpp>
#include <machine/marker.hpp>
#include <machine/mmu.hpp>
#include <machine/timer.hpp>

namespace chorale {

namespace {

constexpr unsigned timers_per_look = 16; // bounds the time with interrupts off
constexpr unsigned spins_per_look = 200;
constexpr unsigned spins_per_window = 8; // PAUSE takes up to 140 cycles, interrupts are off meanwhile
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
    thread.accounts.preemptions.count();
    cpu.counters.preemptions.count();
    cpu.ready.push_front(thread, thread.priority);
    note_waiting(cpu, thread);
}

// The best ready thread, there is one, becomes the current one.
[[gnu::noinline]] Thread* take_best(PerCpu& cpu, Thread* last) {
    if (cpu.meter.of != nullptr) charge(cpu);
    auto& thread = static_cast<Thread&>(*cpu.ready.pop());
    thread.now_doing(Doing::running);
    cpu.current = &thread;
    thread.accounts.dispatches.count();
    cpu.counters.switches.count();
    start_meter(cpu, thread);
    if (cpu.quanta != 0) [[unlikely]]
        change_turn(cpu, thread, last);
    return &thread;
}

// The thread that goes on here: the current one while it can and is the best; nullptr: there is none.
[[nodiscard, gnu::always_inline]] inline Thread* elect(PerCpu& cpu) {
    Thread* const last = cpu.current;
    if (last != nullptr && last->doing() == Doing::running) {
        if (last->priority <= cpu.top_ready) return last;
        release_fpu(cpu);
        preempt(cpu, *last);
    } else {
        release_fpu(cpu);
    }
    cpu.current = nullptr;
    return cpu.top_ready == RunQueue::none ? nullptr : take_best(cpu, last);
}

void load_space(PerCpu& cpu, const Thread& thread) {
    const u64 root = thread.space->root();
    if (root == cpu.space_root) return;
    cpu.space_root = root;
    machine::load_root(root);
}

[[nodiscard]] bool work_waits(const PerCpu& cpu) { return (cpu.pending | cpu.inbox.bells()) != 0; }

// What an idle CPU does first, while it waits anyway.
[[gnu::noinline]] void keep_books(PerCpu& cpu) {
    stop_meter(cpu);
    look_for_work(cpu);
}

// Whether it has brought something to do. The markers let an instruction counter tell waiting from working.
[[nodiscard]] bool poll_once(PerCpu& cpu) {
    machine::marker<machine::Marker::idle_begins>();
    keep_books(cpu);
    for (unsigned spin = 1; spin <= spins_per_look && !work_waits(cpu); ++spin) {
        machine::relax();
        if (spin % spins_per_window == 0) machine::interrupt_window();
    }
    machine::marker<machine::Marker::idle_ends>();
    return work_waits(cpu);
}

// The clock is read only when the first stretch brought nothing: usually the answer is quicker. The windows
// let the timer in.
[[gnu::noinline]] void poll_on(PerCpu& cpu) {
    machine::interrupt_window();
    const u64 begun = machine::now();
    while (machine::now() - begun < idle_polling && !poll_once(cpu)) machine::interrupt_window();
}

CHORALE_APART void idle(PerCpu& cpu) {
    cpu.inbox.poll(); // from now on a request needs no doorbell
    if (idle_polling == 0) {
        keep_books(cpu);
    } else if (!poll_once(cpu)) {
        poll_on(cpu);
    }
    // Also with requests that did not fit a ring: the receiver rings back when it has emptied it.
    if (cpu.inbox.stop_polling() && cpu.pending == 0) {
        cpu.counters.halts.count();
        machine::wait_for_interrupt();
    }
    begin_metering(cpu);
}

} // namespace

void set_idle_polling(u64 nanoseconds) { idle_polling = nanoseconds; }

// `self` is at the tail of its queue already, and `next` out of it.
[[noreturn, gnu::noinline]] static CHORALE_NO_RETURN_CALL void yield_slowly(PerCpu& cpu, Thread& self,
                                                                            Thread& next) {
    give_up_turn(cpu, self);
    self.now_doing(Doing::ready);
    cpu.ready.push_front(next, next.priority);
    note_waiting(cpu, self);
    leave();
}

void yield(Thread& self) {
    PerCpu& cpu = this_cpu();
    if (cpu.top_ready == self.priority) { // a better one would be running
        auto& next = static_cast<Thread&>(cpu.ready.rotate(self, self.priority));
        // Nothing waits, nothing else is to be known of the two, and nobody's quantum counts: one branch.
        const u64 unusual = self.state | (next.state ^ state_ready) | cpu.quanta | cpu.pending |
                            cpu.inbox.bells() | reinterpret_cast<uword>(next.continuation);
        if (unusual != 0) [[unlikely]]
            yield_slowly(cpu, self, next);
        self.state = state_ready;
        next.state = state_running;
        cpu.current = &next;
        cpu.counters.switches.count();
        machine::resume(next.frame, next.space->root());
    }
    leave();
}

// Nobody waits for the CPU, nor for its registers.
[[nodiscard]] static bool unclaimed(const PerCpu& cpu) {
    return ((cpu.top_ready ^ RunQueue::none) | cpu.fpu_live | cpu.quanta) == 0;
}

// No way round by the run queue.
static void take_cpu(PerCpu& cpu, Thread& thread) {
    thread.now_doing(Doing::running);
    cpu.current = &thread;
    cpu.counters.switches.count();
    start_meter(cpu, thread);
}

// The current thread has just begun to wait.
[[gnu::noinline]] static void take_over(PerCpu& cpu, Thread& thread) {
    stop_meter(cpu);
    take_cpu(cpu, thread);
}

[[gnu::noinline]] static void make_ready(PerCpu& cpu, Thread& thread) {
    if (cpu.current != nullptr && cpu.current->doing() >= Doing::receiving && unclaimed(cpu))
        return take_over(cpu, thread);
    thread.now_doing(Doing::ready);
    cpu.ready.push_back(thread, thread.priority);
    note_waiting(cpu, thread);
    if (cpu.quanta != 0) cpu.pending |= pending_turn;
    if (cpu.current != nullptr && thread.priority < cpu.current->priority) cpu.pending |= pending_reschedule;
}

[[gnu::always_inline]] void make_ready(Thread& thread) {
    PerCpu& cpu = this_cpu();
    if (cpu.current == nullptr && unclaimed(cpu)) {
        take_cpu(cpu, thread); // it is idle
    } else {
        make_ready(cpu, thread);
    }
}

// With its timer still set. Apart, so that the others save no registers.
[[gnu::noinline]] static void wake_early(Thread& thread, long result) {
    cancel_timer(thread);
    wake(thread, result);
}

void wake(Thread& thread, long result) {
    if (thread.has(flag_timed)) [[unlikely]]
        return wake_early(thread, result);
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
    if (cpu.quanta != 0) cpu.pending |= pending_turn;
    if (thread.doing() >= Doing::awaiting_reply) lend_on(thread);
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
    if ((cpu.pending & pending_turn) != 0) watch_turn(cpu);
    if ((cpu.pending & pending_offer) != 0) watch_waiting(cpu);
    cpu.pending &= ~static_cast<u32>(pending_alarm | pending_turn | pending_offer);
    program_timer(cpu);
    machine::marker<machine::Marker::timers_served>();
}

// A slice at a time; what else has come up meanwhile is attended to in between.
void send_text(PerCpu& cpu) {
    if (console_send(console_everything)) cpu.pending &= ~static_cast<u32>(pending_console);
    machine::interrupt_window();
}

// Who goes on is known when nothing else waits.
void attend_trace(PerCpu& cpu) {
    trace_past(cpu);
    if (cpu.pending != pending_trace || cpu.inbox.rung()) return;
    Thread* const next = elect(cpu);
    cpu.pending &= ~static_cast<u32>(pending_trace);
    trace_future(cpu, next);
}

// By one look for what is seldom.
[[gnu::noinline]] void attend_seldom(PerCpu& cpu) {
    if ((cpu.pending & pending_console) != 0) send_text(cpu);
    if ((cpu.pending & pending_trace) != 0) attend_trace(cpu);
}

[[gnu::noinline]] void attend_pending(PerCpu& cpu) {
    if ((cpu.pending & pending_device) != 0) [[unlikely]]
        attend_devices(cpu);
    if ((cpu.pending & (pending_timer | pending_alarm | pending_turn | pending_offer)) != 0) [[unlikely]]
        attend_timers(cpu);
    cpu.pending &= ~static_cast<u32>(pending_reschedule | pending_mail);
    if ((cpu.pending & (pending_console | pending_trace)) != 0) [[unlikely]]
        attend_seldom(cpu);
}

[[gnu::noinline]] void move_on_mail(PerCpu& cpu) {
    cpu.inbox.ring_starving();
    cpu.inbox.flush();
}

void attend_mail(PerCpu& cpu) {
    if (cpu.pending != 0) attend_pending(cpu);
    cpu.inbox.take();
    if (cpu.inbox.congested()) [[unlikely]]
        move_on_mail(cpu);
}

void attend(PerCpu& cpu) {
    if (cpu.inbox.rung() || cpu.inbox.congested()) {
        attend_mail(cpu);
    } else {
        attend_pending(cpu);
    }
}

// The part of a thread's work in the nucleus that could not be done when it arose.
[[gnu::noinline]] void continue_thread(PerCpu& cpu, Thread& thread) {
    machine::interrupt_window(); // long work comes piece by piece: the hardware has its say in between
    load_space(cpu, thread);
    auto* const next = thread.continuation;
    thread.continuation = nullptr;
    next(thread);
}

} // namespace

[[gnu::always_inline]] void leave_as(Thread& self) {
    const PerCpu& cpu = this_cpu();
    if (((self.state & (flag_held | flag_due)) | cpu.pending | cpu.inbox.bells()) == 0) [[likely]]
        machine::resume(self.frame, self.space->root());
    leave();
}

// Whatever waits is attended to, then the best thread goes on, or the CPU idles.
void leave() {
    PerCpu& cpu = this_cpu();
    for (;;) {
        if (work_waits(cpu)) attend(cpu);
        Thread* const thread = elect(cpu);
        if (thread == nullptr) {
            idle(cpu);
            continue;
        }
        // The usual thread goes back to its program: one branch.
        const u64 unusual = (thread->state & (flag_held | flag_due)) | cpu.pending | cpu.inbox.bells() |
                            reinterpret_cast<uword>(thread->continuation);
        if (unusual == 0) [[likely]]
            machine::resume(thread->frame, thread->space->root());
        if (thread->continuation != nullptr) {
            continue_thread(cpu, *thread);
        } else if (thread->has(flag_held)) {
            if (returns_home(*thread)) {
                hold(*thread);
            } else if (!work_waits(cpu)) {
                machine::resume(thread->frame, thread->space->root());
            }
        } else if (thread->has(flag_due)) {
            run_due(*thread);
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
    cpu.counters.timer_interrupts.count();
    cpu.pending |= pending_timer | pending_alarm;
    cpu.programmed_deadline = TimerQueue::never; // one shot: it must be set again
}

void on_doorbell() {
    answer_flushes();
    PerCpu& cpu = this_cpu();
    cpu.pending |= pending_mail;
    cpu.counters.doorbells.count();
}

void on_device(unsigned line) {
    PerCpu& cpu = this_cpu();
    cpu.counters.device_interrupts.count();
    note_device(line);
    note_arrival(cpu, line);
}

} // namespace chorale
