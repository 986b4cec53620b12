// Invariants of event timers and their pools (docs/invariants.md, "Time").
#include "kernel/mem/slab.hpp"
#include "tests/machine/inspection.hpp"

#include <machine/mmu.hpp>

namespace chorale::test {

namespace {

[[nodiscard]] const char* text(TimerState state) {
    static constexpr const char* names[] = {"idle", "pending", "travelling", "active"};
    return names[static_cast<unsigned>(state)];
}

[[nodiscard]] bool holds(auto& list, const auto& wanted) {
    for (auto* each = list.front(); each != nullptr; each = list.next(*each))
        if (each == &wanted) return true;
    return false;
}

} // namespace

void Inspection::check_event_timer(const EventTimer& timer, const Actor& actor) {
    const char* const state = text(timer.state);
    expect(!timer.deleted, 50, name(actor), ": a deleted timer is in its table");
    expect(timer.home < cpu_count(), 50, name(actor), ": a timer of CPU ", timer.home);
    expect(timer.called == travels(timer.call), 50, name(actor), ": a timer's home is ",
           timer.called ? "" : "not ", "called, and the call is ", timer.called ? "not " : "", "on its way");
    expect((timer.state == TimerState::travelling && timer.handler->timer_wait.timer != &timer) ==
               travels(timer.delivery),
           51, name(actor), ": a timer is ", state, " and its delivery ",
           travels(timer.delivery) ? "" : "not ", "on its way");
    timer.pool->queues.with([&](TimerPool::Queues& queues) {
        const bool pends = holds(queues.pending, timer);
        expect(pends == (timer.state == TimerState::pending), 51, name(actor), ": a timer is ", state,
               pends ? " and" : " and not", " among those that nobody has taken");
    });
    if (timer.state != TimerState::idle || timer.next == 0) return;
    const auto armed = event_timers_.find(&timer);
    const bool at_home = armed != event_timers_.end() && armed->second == timer.home;
    expect(timer.called || (at_home && timer.deadline <= timer.next), 50, name(actor),
           ": nothing wakes a timer that is to expire at ", timer.next);
}

void Inspection::check_timer_pool(const TimerPool& pool, const Actor& actor) {
    auto& queues = const_cast<Guarded<Rank::timer_pool, TimerPool::Queues>&>(pool.queues);
    queues.with([&](TimerPool::Queues& all) {
        for (const TimerWait* each = all.waiters.front(); each != nullptr; each = all.waiters.next(*each)) {
            const Thread* const thread = each->thread;
            if (!expect(known(thread), 52, name(actor), ": nobody knows a thread that waits for a timer"))
                return;
            expect(thread->actor == &actor && thread->doing() == Doing::awaiting_timer && each->pool == &pool,
                   52, name(*thread), " is among the waiters for a timer");
            ++awaiting_timer_[thread];
        }
        expect(all.waiters.empty() || all.pending.empty(), 52, name(actor),
               ": threads wait, and so does a timer");
    });
}

void Inspection::check_event_timers() {
    for (const auto& [timer, cpu] : event_timers_)
        expect(timer->home == cpu, 50, "a timer of CPU ", timer->home, " is armed at CPU ", cpu);
    for (Actor* const actor : actors_) {
        actor->timers.tables.with([&](ActorTimers::Tables& tables) {
            unsigned found = 0;
            for (unsigned li = 0; li < tables.slots; ++li) {
                const EventTimer* const timer = tables.find(li);
                if (timer == nullptr) continue;
                ++found;
                check_event_timer(*timer, *actor);
            }
            expect(found == tables.live, 50, name(*actor), " counts ", tables.live, " timers and has ",
                   found);
            unsigned pools = 0;
            for (const TimerPool* const pool : tables.pools) {
                if (pool == nullptr) continue;
                ++pools;
                check_timer_pool(*pool, *actor);
            }
            expect(pools == tables.live_pools, 50, name(*actor), " counts ", tables.live_pools,
                   " pools and has ", pools);
        });
    }
    for (const Thread* const thread : threads_) {
        const bool chosen = thread->doing() == Doing::awaiting_timer && !thread->timer_wait.linked();
        expect(awaiting_timer_[thread] == (thread->doing() == Doing::awaiting_timer && !chosen ? 1 : 0), 52,
               name(*thread), " is in ", awaiting_timer_[thread], " lists of waiters for a timer");
    }
}

} // namespace chorale::test
