// Where timers and pools are kept: in tables of their actors.
#include "kernel/core/names.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/slab.hpp"
#include "kernel/time/event_timer_parts.hpp"

#include <machine/mmu.hpp>

namespace chorale {

namespace {

constinit Cache<EventTimer, Reuse::stable> event_timers{"timers"};
constinit Cache<TimerPool, Reuse::stable> timer_pools{"timer pools"};

using Tables = ActorTimers::Tables;
constexpr unsigned per_page = ActorTimers::timers_per_page;

[[nodiscard]] constexpr uword free_slot(unsigned next) { return uword{next} << 1 | 1; }

// Another page of slots, all free.
[[nodiscard]] Status grow(Tables& tables) {
    if (tables.slots == ActorTimers::timer_limit) return Status::full;
    const Result<PhysAddr> frame = allocate_frames(0);
    if (!frame.ok()) return frame.status();
    auto* const page = static_cast<uword*>(machine::direct<void>(frame.value()));
    for (unsigned i = 0; i < per_page; ++i) page[i] = free_slot(tables.slots + i + 1);
    tables.pages[tables.slots / per_page] = page;
    tables.slots += per_page;
    return Status::ok;
}

[[nodiscard]] uword& slot(const Tables& tables, unsigned li) {
    return tables.pages[li / per_page][li % per_page];
}

[[nodiscard]] Status enter(Tables& tables, EventTimer& timer, int& li) {
    if (tables.free == tables.slots) {
        if (const Status status = grow(tables); status != Status::ok) return status;
    }
    li = static_cast<int>(tables.free);
    uword& place = slot(tables, tables.free);
    tables.free = static_cast<unsigned>(place >> 1);
    place = reinterpret_cast<uword>(&timer);
    ++tables.live;
    return Status::ok;
}

void leave(Tables& tables, unsigned li) {
    slot(tables, li) = free_slot(tables.free);
    tables.free = li;
    --tables.live;
}

} // namespace

EventTimer* Tables::find(long li) const {
    if (li < 0 || li >= static_cast<long>(slots)) return nullptr;
    const uword value = slot(*this, static_cast<unsigned>(li));
    return (value & 1) != 0 ? nullptr : reinterpret_cast<EventTimer*>(value);
}

void free_event_timer(EventTimer& timer) { event_timers.destroy(&timer); }

// ---- pools ---------------------------------------------------------------------------------------

Result<KnThreadPool> make_timer_pool(Actor& actor, VirtAddr address) {
    return actor.timers.tables.with([&](Tables& tables) -> Result<KnThreadPool> {
        unsigned place = ActorTimers::pool_limit;
        for (unsigned i = 0; i < ActorTimers::pool_limit; ++i) {
            const TimerPool* const pool = tables.pools[i];
            if (pool != nullptr && pool->address == address) return KnThreadPool{pool->key, i, {}};
            if (pool == nullptr && place == ActorTimers::pool_limit) place = i;
        }
        if (place == ActorTimers::pool_limit) return Status::full;
        const Result<TimerPool*> made = timer_pools.make();
        if (!made.ok()) return made.status();
        TimerPool& pool = *made.value();
        pool.key = make_key();
        pool.address = address;
        tables.pools[place] = &pool;
        ++tables.live_pools;
        return KnThreadPool{pool.key, place, {}};
    });
}

TimerPool* find_timer_pool(Actor& actor, const KnThreadPool& wanted) {
    if (wanted.tpIndex >= ActorTimers::pool_limit) return nullptr;
    return actor.timers.tables.with([&](Tables& tables) -> TimerPool* {
        TimerPool* const pool = tables.pools[wanted.tpIndex];
        return pool != nullptr && pool->key == wanted.tpKey ? pool : nullptr;
    });
}

// ---- timers --------------------------------------------------------------------------------------

Result<int> create_timer(Actor& actor, TimerPool& pool, u64 cookie) {
    const Result<EventTimer*> made = event_timers.make();
    if (!made.ok()) return made.status();
    start_event_timer(*made.value(), pool, cookie);
    int li = 0;
    const Status status = actor.timers.tables.with([&](Tables& tables) {
        // relaxed: begin_actor_deletion() takes this lock after it has set it
        if (actor.dying.load(std::memory_order_relaxed)) return Status::unknown;
        return enter(tables, *made.value(), li);
    });
    if (status == Status::ok) return li;
    event_timers.destroy(made.value());
    return status;
}

Status delete_timer(Actor& actor, int li) {
    NothingHeld nothing;
    EventTimer* timer = nullptr;
    bool here = false;
    actor.timers.tables.with(nothing, [&](Tables& tables, const auto& held) {
        timer = tables.find(li);
        if (timer == nullptr) return;
        leave(tables, static_cast<unsigned>(li));
        timer->pool->queues.with(held, [&](TimerPool::Queues&, const auto&) { here = retire(*timer); });
    });
    if (timer == nullptr) return Status::invalid;
    if (here) attend_here(*timer);
    return Status::ok;
}

namespace {

constexpr unsigned timers_per_step = 16;

// False: more timers of other actors are pending on it.
[[nodiscard]] bool end_pool(TimerPool& pool) {
    const bool empty = pool.queues.with([](TimerPool::Queues& queues) {
        for (unsigned i = 0; i < timers_per_step; ++i) {
            EventTimer* const timer = queues.pending.pop_front();
            if (timer == nullptr) break;
            timer->state = TimerState::idle;
            timer->next = 0;
        }
        if (queues.pending.front() == nullptr) ++queues.serial; // from now on nothing becomes pending
        return queues.pending.front() == nullptr;
    });
    if (empty) timer_pools.destroy(&pool);
    return empty;
}

[[nodiscard]] bool end_pools(Tables& tables) {
    if (tables.live_pools == 0) return true;
    for (TimerPool*& pool : tables.pools) {
        if (pool == nullptr) continue;
        if (end_pool(*pool)) {
            pool = nullptr;
            --tables.live_pools;
        }
        break;
    }
    return false;
}

} // namespace

bool delete_timers_step(Actor& actor) {
    for (unsigned i = 0; i < timers_per_step; ++i) {
        const int li = actor.timers.tables.with(
            [](Tables& tables) { return tables.live == 0 ? -1 : static_cast<int>(tables.sweep++); });
        if (li < 0) break;
        static_cast<void>(delete_timer(actor, li));
    }
    return actor.timers.tables.with([](Tables& tables) {
        if (tables.live != 0 || !end_pools(tables)) return false;
        for (uword*& page : tables.pages) {
            if (page != nullptr) free_frames(machine::physical(page), 0);
            page = nullptr;
        }
        tables.slots = tables.free = tables.sweep = 0;
        return true;
    });
}

} // namespace chorale
