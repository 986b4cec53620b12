// Timers of actors (timerCreate(2K)) and the pools of threads that wait for them.
//
// A timer's state is guarded by its pool's lock, so any CPU may set it. Its place in a timer queue belongs to
// its home, the CPU where it was created: whoever changes what the home should wait for calls it (`call`),
// and attend() there looks at the state as it is then. The queue is only a hint when to look: a look too many
// does no harm, so changes need not wait for each other.
//
//   idle        nobody is told anything; the home has an alarm for `next`, or its call is on the way
//   pending     an expiration found no thread waiting: the next one to come takes it at once
//   travelling  a waiting thread was chosen; `delivery` goes to its CPU
//   active      the thread has been told, and is not back in timerThreadPoolWait
//
// Except when idle, a timer needs no alarm: how often it has expired meanwhile is a division when somebody
// asks. So every expiration is exactly one return of timerThreadPoolWait or one of its overruns, and a period
// of a nanosecond costs no more interrupts than its thread can take.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/spin_lock.hpp"
#include "kernel/call/wait_limit.hpp"
#include "kernel/core/mailbox.hpp"
#include "kernel/time/timer_queue.hpp"

#include <chorus.h>

#include <array>

namespace chorale {

struct Actor;
struct EventTimer;
struct Thread;
struct TimerPool;

struct InTimerPool;

// A thread's part, a member of Thread. In its pool's list, and under its lock, while it waits for a timer.
struct TimerWait : ListNode<InTimerPool> {
    Thread* thread{};
    TimerPool* pool{};
    EventTimer* timer{}; // on whose behalf the thread is active; its own CPU's
    VirtAddr cookie, overrun;
};

struct TimerRequest : Request {
    EventTimer* timer{};
};

enum class TimerState : u8 { idle, pending, travelling, active };

struct EventTimer : Timer, ListNode<InTimerPool> {
    TimerRequest call, delivery;
    // Constant while it lives.
    TimerPool* pool{};
    u64 pool_serial{};
    u64 cookie{};
    CpuIndex home{};
    // Under the lock of the pool.
    TimerState state{};
    bool deleted{}; // freed by its home when it is idle and its call has come
    bool called{};  // its call is on the way
    u64 next{};     // the first expiration that has not been counted; 0: disarmed
    u64 reload{};
    u64 overrun{};
    Thread* handler{}; // while travelling
    u64 handler_serial{};
};

// Memory of pools is type-stable: the lock may be taken by timers of other actors when the pool has gone.
struct TimerPool {
    struct Queues {
        List<TimerWait, InTimerPool> waiters; // in order of arrival; only threads of the pool's actor
        List<EventTimer, InTimerPool> pending;
        u64 serial{}; // counts the pool's lives
    };
    Guarded<Rank::timer_pool, Queues> queues;
    // Constant while it lives.
    u64 key{};
    VirtAddr address; // where its KnThreadPool is: made again there, it is the same pool
};

// What an actor has, a member of Actor. Threads of the actor alone use its pools.
struct ActorTimers {
    static constexpr unsigned pool_limit = 64;
    static constexpr unsigned timers_per_page = page_size / sizeof(uword);
    static constexpr unsigned timer_pages = 4;
    static constexpr unsigned timer_limit = timer_pages * timers_per_page;

    // A slot holds a timer's address, or, odd, the next free slot.
    struct Tables {
        std::array<uword*, timer_pages> pages{};
        unsigned slots{}; // in the pages that there are
        unsigned free{};  // the first free slot; `slots`: none
        unsigned live{};
        unsigned sweep{}; // how far deletion has come
        unsigned live_pools{};
        std::array<TimerPool*, pool_limit> pools{};

        [[nodiscard]] EventTimer* find(long li) const;
    };
    Guarded<Rank::timers, Tables> tables;
};

// ---- for calls -----------------------------------------------------------------------------------

// The actor's pool at that address, made if there is none. Errors: no_memory, full.
[[nodiscard]] Result<KnThreadPool> make_timer_pool(Actor& actor, VirtAddr address);
[[nodiscard]] TimerPool* find_timer_pool(Actor& actor, const KnThreadPool& pool); // nullptr: there is none

// The local id. Errors: no_memory, full, unknown (the actor is being deleted).
[[nodiscard]] Result<int> create_timer(Actor& actor, TimerPool& pool, u64 cookie);
[[nodiscard]] Status delete_timer(Actor& actor, int li); // error: invalid

struct TimerSetting {
    u64 value{}; // 0: disarm
    u64 reload{};
    bool absolute{};
};
// What is left until the next expiration (0: disarmed) and the period, as they were before; `wanted` may be
// null. Error: invalid.
struct TimerReport {
    u64 left{};
    u64 reload{};
};
[[nodiscard]] Status set_timer(Actor& actor, int li, const TimerSetting* wanted, TimerReport& old);

// timerThreadPoolWait, with the places for its results in self.timer_wait.
[[nodiscard]] long wait_for_timer(Thread& self, TimerPool& pool, const WaitLimit& limit);

// ---- for the ends of threads and actors ----------------------------------------------------------

// The thread waits no longer. False: a timer has been sent to it and will arrive; it goes on waiting.
[[nodiscard]] bool leave_timer_pool(Thread& thread);

// The thread is not active on a timer's behalf any more.
void let_go_of_timer(Thread& thread);

// Deletes some of the actor's timers, then its pools; false: there are more. No thread of it is left.
[[nodiscard]] bool delete_timers_step(Actor& actor);

// For inspection: whether that timer of a CPU's queue is an EventTimer.
[[nodiscard]] bool is_event_timer(const Timer& timer);

} // namespace chorale
