#include "kernel/time/event_timer.hpp"

#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mem/slab.hpp"
#include "kernel/time/event_timer_parts.hpp"

#include <machine/timer.hpp>
#include <machine/user_access.hpp>

#include <limits>

namespace chorale {

namespace {

using Queues = TimerPool::Queues;

void attend(EventTimer& timer, bool called);

// How often it has expired since somebody last counted. The next expiration is later than `now`.
[[nodiscard]] u64 count_due(EventTimer& timer, u64 now) {
    if (timer.next == 0 || now < timer.next) return 0;
    if (timer.reload == 0) {
        timer.next = 0;
        return 1;
    }
    const u64 count = (now - timer.next) / timer.reload + 1;
    timer.next += count * timer.reload;
    return count;
}

// Under the lock of the pool. True: this is the home, and attend() is to be called when the lock is free.
[[nodiscard]] bool call_home(EventTimer& timer) {
    PerCpu& cpu = this_cpu();
    if (timer.home == cpu.index) return true;
    if (!timer.called) {
        timer.called = true;
        timer.call.run = [](Request& request) { attend(*static_cast<TimerRequest&>(request).timer, true); };
        cpu.inbox.post(timer.home, timer.call);
    }
    return false;
}

// ---- telling a thread ----------------------------------------------------------------------------

struct Outcome {
    u64 cookie, overrun;
};

// Under the lock of the pool: the calling thread takes it.
[[nodiscard]] Outcome take(EventTimer& timer) {
    timer.state = TimerState::active;
    const u64 overrun = timer.overrun + count_due(timer, machine::now());
    timer.overrun = 0;
    return {timer.cookie, overrun};
}

[[nodiscard]] long tell(const TimerWait& wait, const Outcome& outcome) {
    constexpr int most = std::numeric_limits<int>::max();
    const int overrun = outcome.overrun < u64{most} ? static_cast<int>(outcome.overrun) : most;
    const bool told =
        (wait.cookie.raw() == 0 || machine::copy_out(wait.cookie, &outcome.cookie, sizeof outcome.cookie)) &&
        (wait.overrun.raw() == 0 || machine::copy_out(wait.overrun, &overrun, sizeof overrun));
    return told ? K_OK : K_EFAULT;
}

// In the thread's own space.
void end_wait(Thread& self) {
    EventTimer& timer = *self.timer_wait.timer;
    const Outcome outcome = timer.pool->queues.with([&](Queues&) { return take(timer); });
    self.frame.set_result(tell(self.timer_wait, outcome));
}

void hand_over(EventTimer& timer, Thread& thread) {
    thread.timer_wait.timer = &timer;
    wake_with(thread, end_wait);
}

[[nodiscard]] bool settle_timer(Queues& queues, EventTimer& timer, u64 unseen);

// At the CPU of the thread that was chosen, or where it was.
void arrive(Request& request) {
    EventTimer& timer = *static_cast<TimerRequest&>(request).timer;
    Thread& thread = *timer.handler;
    // relaxed: a guess until this is the thread's CPU
    if (thread.serial.load(std::memory_order_relaxed) == timer.handler_serial) {
        if (!forward(request, thread)) hand_over(timer, thread);
        return;
    }
    // It has ended meanwhile: somebody else's turn.
    const bool here = timer.pool->queues.with([&](Queues& queues) {
        timer.state = TimerState::idle;
        return settle_timer(queues, timer, timer.overrun + 1);
    });
    if (here) attend(timer, false);
}

// An idle timer has expired `unseen` times.
void offer(Queues& queues, EventTimer& timer, u64 unseen) {
    timer.overrun = unseen - 1;
    TimerWait* const waiter = queues.waiters.pop_front();
    if (waiter == nullptr) {
        timer.state = TimerState::pending;
        queues.pending.push_back(timer);
        return;
    }
    timer.state = TimerState::travelling;
    timer.handler = waiter->thread;
    timer.handler_serial =
        waiter->thread->serial.load(std::memory_order_relaxed); // relaxed: it waits, so it lives
    timer.delivery.run = arrive;
    if (!forward(timer.delivery, *waiter->thread)) hand_over(timer, *waiter->thread);
}

// What becomes of a timer that is idle and has expired `unseen` times. True: as of call_home().
bool settle_timer(Queues& queues, EventTimer& timer, u64 unseen) {
    if (!timer.deleted) {
        if (queues.serial != timer.pool_serial) timer.next = unseen = 0; // nobody will ever wait there
        unseen += count_due(timer, machine::now());
        if (unseen != 0) {
            offer(queues, timer, unseen);
            return false;
        }
        if (timer.next == 0) return false;
    }
    return call_home(timer);
}

// ---- at home -------------------------------------------------------------------------------------

// What the queue of this CPU should wait for.
[[nodiscard]] u64 wanted_alarm(Queues& queues, EventTimer& timer) {
    if (timer.state != TimerState::idle || timer.deleted) return 0;
    if (queues.serial != timer.pool_serial) return timer.next = 0;
    if (const u64 unseen = count_due(timer, machine::now()); unseen != 0) {
        offer(queues, timer, unseen);
        return 0;
    }
    return timer.next;
}

void attend(EventTimer& timer, bool called) {
    PerCpu& cpu = this_cpu();
    const bool over = timer.pool->queues.with([&](Queues& queues) {
        if (called) timer.called = false;
        const u64 alarm = wanted_alarm(queues, timer);
        if (alarm == 0) {
            cpu.timers.cancel(timer);
        } else {
            cpu.timers.arm(timer, alarm);
            if (alarm < cpu.programmed_deadline) cpu.pending |= pending_alarm;
        }
        return timer.deleted && timer.state == TimerState::idle && !timer.called;
    });
    if (over) free_event_timer(timer);
}

void expire(Timer& timer) { attend(static_cast<EventTimer&>(timer), false); }

} // namespace

bool is_event_timer(const Timer& timer) { return timer.expire == expire; }

// ---- calls ---------------------------------------------------------------------------------------

void start_event_timer(EventTimer& timer, TimerPool& pool, u64 cookie) {
    timer.expire = expire;
    timer.call.timer = timer.delivery.timer = &timer;
    timer.pool = &pool;
    timer.pool_serial = pool.queues.with([](Queues& queues) { return queues.serial; });
    timer.cookie = cookie;
    timer.home = this_cpu().index;
    timer.state = TimerState::idle;
    timer.deleted = timer.called = false;
    timer.next = timer.reload = timer.overrun = 0;
}

Status set_timer(Actor& actor, int li, const TimerSetting* wanted, TimerReport& old) {
    return with_event_timer(actor, li, [&](Queues&, EventTimer& timer) {
        const u64 now = machine::now();
        old = {0, timer.reload};
        if (timer.next > now) {
            old.left = timer.next - now;
        } else if (timer.next != 0 && timer.reload != 0) {
            old.left = timer.reload - (now - timer.next) % timer.reload;
        }
        if (wanted == nullptr) return false;
        // What has expired and was told nobody goes with the setting that it belonged to.
        if (timer.state == TimerState::pending) {
            timer.unlink();
            timer.state = TimerState::idle;
        }
        timer.next = wanted->value == 0 || wanted->absolute ? wanted->value : now + wanted->value;
        timer.reload = wanted->value == 0 ? 0 : wanted->reload;
        return timer.state == TimerState::idle && call_home(timer);
    });
}

bool retire(EventTimer& timer) {
    if (timer.state == TimerState::pending) {
        timer.unlink();
        timer.state = TimerState::idle;
    }
    timer.deleted = true;
    timer.next = 0;
    return timer.state == TimerState::idle && call_home(timer);
}

void attend_here(EventTimer& timer) { attend(timer, false); }

long wait_for_timer(Thread& self, TimerPool& pool, const WaitLimit& limit) {
    let_go_of_timer(self);
    TimerWait& wait = self.timer_wait;
    const bool aborted = limit.blocks() && limit.abortable() && self.aborted();
    Outcome outcome{};
    pool.queues.with([&](Queues& queues) {
        wait.timer = queues.pending.pop_front();
        if (wait.timer != nullptr) {
            outcome = take(*wait.timer);
        } else if (limit.blocks() && !aborted) {
            wait.thread = &self;
            wait.pool = &pool;
            queues.waiters.push_back(wait);
        }
    });
    if (wait.timer != nullptr) return tell(wait, outcome);
    if (!limit.blocks()) return K_ETIMEOUT;
    if (aborted) {
        self.take_abort();
        return K_EABORT;
    }
    self.now_doing(Doing::awaiting_timer);
    self.abortable = limit.abortable();
    if (limit.limited()) arm_timer(self, limit.deadline());
    return no_result;
}

// ---- the ends of threads -------------------------------------------------------------------------

bool leave_timer_pool(Thread& thread) {
    return thread.timer_wait.pool->queues.with([&](Queues&) {
        const bool waits = thread.timer_wait.linked();
        thread.timer_wait.unlink();
        return waits;
    });
}

void let_go_of_timer(Thread& thread) {
    EventTimer* const timer = thread.timer_wait.timer;
    if (timer == nullptr) return;
    thread.timer_wait.timer = nullptr;
    const bool here = timer->pool->queues.with([&](Queues& queues) {
        // Handed over, and the thread ends before it was told: an expiration that nobody has seen.
        const u64 unseen = timer->state == TimerState::travelling ? timer->overrun + 1 : 0;
        timer->state = TimerState::idle;
        return settle_timer(queues, *timer, unseen);
    });
    if (here) attend(*timer, false);
}

} // namespace chorale
