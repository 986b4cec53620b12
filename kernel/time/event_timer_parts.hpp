// What the two halves of the timers need of each other: their states (event_timer.cpp), and where they are
// kept (actor_timers.cpp).
#pragma once

#include "kernel/core/actor.hpp"
#include "kernel/time/event_timer.hpp"

namespace chorale {

// ---- event_timer.cpp -----------------------------------------------------------------------------

void start_event_timer(EventTimer& timer, TimerPool& pool, u64 cookie);
// Under the lock of the pool: it expires no more. True: attend_here() is to be called when the lock is free.
[[nodiscard]] bool retire(EventTimer& timer);
void attend_here(EventTimer& timer);

// ---- actor_timers.cpp ----------------------------------------------------------------------------

void free_event_timer(EventTimer& timer);

// Calls `work(queues, timer)` under the locks of the actor's table and of the timer's pool. True from it:
// this is the timer's home and attends to it afterwards; only here can it be freed, so it still is. Error:
// invalid.
template <class Work>
[[nodiscard]] Status with_event_timer(Actor& actor, int li, Work&& work) {
    NothingHeld nothing;
    EventTimer* timer = nullptr;
    bool here = false;
    actor.timers.tables.with(nothing, [&](ActorTimers::Tables& tables, const auto& held) {
        timer = tables.find(li);
        if (timer == nullptr) return;
        timer->pool->queues.with(
            held, [&](TimerPool::Queues& queues, const auto&) { here = work(queues, *timer); });
    });
    if (timer == nullptr) return Status::invalid;
    if (here) attend_here(*timer);
    return Status::ok;
}

} // namespace chorale
