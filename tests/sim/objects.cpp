// The operations on synchronisation objects, which lie in one page that all actors share.
#include "arch/host/objects.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/sync/lending.hpp"
#include "kernel/sync/wait_table.hpp"
#include "tests/sim/workload.hpp"
#include "tests/sim/world.hpp"

#include <machine/mmu.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace chorale::sim {

using namespace host;

namespace {

constexpr VirtAddr objects{0x60'0000};
constexpr u32 waited = u32{1} << 31;
constexpr u64 microsecond = 1'000;

[[nodiscard]] VirtAddr mutex_at(unsigned i) { return objects + 0x100 + i % object_slots * 16; }
[[nodiscard]] VirtAddr rt_mutex_at(unsigned i) { return objects + 0x200 + i % object_slots * 16; }
[[nodiscard]] VirtAddr sem_at(unsigned i) { return objects + 0x300 + i % object_slots * 16; }
[[nodiscard]] VirtAddr events_at(unsigned i) { return objects + 0x400 + i % object_slots * 16; }
[[nodiscard]] VirtAddr monitor_at(unsigned i) { return objects + 0x500 + i % object_slots * 32; }

// Nobody else is inside; while threads are killed inside, nobody can say.
class Inside {
  public:
    Inside(unsigned kind, unsigned object, unsigned thread)
        : holder_{world().holders[kind * object_slots + object % object_slots]}, self_{thread + 1} {
        enter();
    }
    void enter() {
        if (holder_ != 0 && !world().killing)
            failed(fmt::format("threads {} and {} have the same object", holder_ - 1, self_ - 1));
        holder_ = self_;
    }
    void leave() { holder_ = 0; }

  private:
    unsigned& holder_;
    unsigned self_;
};

// An actor that is being deleted has no real-time mutexes any more, though its threads may still run.
[[nodiscard]] Task<void> release_rt_mutex(unsigned thread, VirtAddr at) {
    const long result = co_await call(Call::rtMutexRel, at);
    if (result != K_EINVAL || !world().killing) expect("rtMutexRel", thread, result, {});
}

[[nodiscard]] Task<void> stay(unsigned steps) {
    for (; steps > 0; --steps) co_await pause();
}

[[nodiscard]] u64 limit_of(Op op) { return op.c == 0 ? no_limit : op.c * 20 * microsecond; }

[[nodiscard]] Task<void> store_word(VirtAddr at, u32 value) { co_await store(at, value); }

[[nodiscard]] Task<long> share(KnCap from, KnCap to) {
    Local<KnCap> source_actor, target_actor;
    Local<KnRgnDesc> source, target;
    KnRgnDesc wanted{};
    wanted.startAddr = objects.raw();
    wanted.size = page_size;
    wanted.options = K_WRITABLE;
    co_await source_actor.set(from);
    co_await target_actor.set(to);
    co_await source.set(wanted);
    co_await target.set(wanted);
    co_return co_await call(Call::rgnMapFromActor, target_actor.at(), target.at(), source_actor.at(),
                            source.at());
}

} // namespace

// The root makes them, in the first actor; the others get the same page.
Task<void> make_objects() {
    Local<KnCap> owner;
    Local<KnRgnDesc> region;
    KnRgnDesc wanted{};
    wanted.startAddr = objects.raw();
    wanted.size = page_size;
    wanted.options = K_WRITABLE | K_NODEMAND;
    co_await owner.set(world().actors[0]);
    co_await region.set(wanted);
    if (co_await call(Call::rgnAllocate, owner.at(), region.at()) != K_OK) failed("no memory for objects");
    for (std::size_t i = 1; i < world().actors.size(); ++i) {
        if (co_await share(world().actors[0], world().actors[i]) != K_OK) failed("objects cannot be shared");
    }
    // Free mutexes and monitors; everything else begins as zero.
    Local<u32> one;
    co_await store_word(one.at(), 1);
    for (unsigned i = 0; i < object_slots; ++i) {
        for (const VirtAddr at : {mutex_at(i), monitor_at(i)}) {
            if (co_await call(Call::vmCopy, 0, one.at(), owner.at(), at, sizeof(u32), 0) < 0)
                failed("objects cannot be made");
        }
    }
}

Task<void> use_mutex(unsigned thread, Op op) {
    for (unsigned left = op.b; left > 0; --left) {
        expect("mutexGet", thread, co_await mutex_get(mutex_at(op.a)), {});
        Inside inside{0, op.a, thread};
        co_await stay(op.c);
        inside.leave();
        expect("mutexRel", thread, co_await mutex_release(mutex_at(op.a)), {});
    }
}

// Two of them, in any sequence: threads may come to wait for each other for ever. Between, a call.
Task<void> use_rt_mutexes(unsigned thread, Op op) {
    const long first = co_await call(Call::rtMutexGet, rt_mutex_at(op.a));
    expect("rtMutexGet", thread, first, {K_EBUSY});
    if (first != K_OK) co_return;
    Inside inside{1, op.a, thread};
    co_await stay(op.value % 8);
    if (op.b % 4 == 1) co_await call_words(thread, {Kind::call, op.c, 1, 0, 0});
    if (op.b % 4 == 2) co_await call_large(thread, {Kind::call_large, op.c, 1, 0, op.value});
    const bool nested = op.b % 4 == 3 && op.c % object_slots != op.a % object_slots;
    if (nested) {
        expect("rtMutexGet", thread, co_await call(Call::rtMutexGet, rt_mutex_at(op.c)), {});
        Inside both{1, op.c, thread};
        co_await stay(op.value % 8);
        both.leave();
        co_await release_rt_mutex(thread, rt_mutex_at(op.c));
    }
    inside.leave();
    co_await release_rt_mutex(thread, rt_mutex_at(op.a));
}

Task<void> use_sem(unsigned thread, Op op) {
    for (unsigned left = op.value; left > 0; --left) {
        u32& units = world().units[op.a % object_slots];
        if (op.b % 2 == 0) {
            ++units; // somebody may have it before semV returns
            expect("semV", thread, co_await sem_v(sem_at(op.a)), {});
        } else {
            const long result = co_await sem_p(sem_at(op.a), limit_of(op));
            expect("semP", thread, result, {K_ETIMEOUT, K_EABORT});
            if (result == K_OK) --units;
        }
    }
}

Task<void> use_events(unsigned thread, Op op) {
    const u32 mask = 1 + op.value % 7;
    if (op.b % 4 == 0) {
        const int operation = op.value % 2 == 0 ? K_EVENT_AND : K_EVENT_OR;
        const long flags = co_await event_wait(events_at(op.a), mask, operation, limit_of(op));
        expect("eventWait", thread, flags, {K_ETIMEOUT, K_EABORT});
        const u32 got = static_cast<u32>(flags) & mask;
        if (flags >= 0 && (operation == K_EVENT_AND ? got != mask : got == 0))
            failed(fmt::format("thread {}: eventWait for {} ends with {}", thread, mask, flags));
    } else if (op.b % 4 == 1) {
        co_await event_clear(events_at(op.a), mask);
    } else {
        expect("eventPost", thread, co_await event_post(events_at(op.a), mask), {});
    }
}

// Each tells the other that it has come, and waits for the other; by other events every second time, so that
// none is cleared that has been posted for the next.
Task<void> meet(unsigned thread, Op op) {
    const VirtAddr at = events_at(op.a);
    for (unsigned round = 0; round < op.value; ++round) {
        const u32 even = op.b == 0 ? 1 : 2, odd = 4 * even, mine = round % 2 == 0 ? even : odd;
        const u32 partners = mine ^ (round % 2 == 0 ? 3 : 12);
        co_await stay((round * 7 + op.b * round) % op.c);
        expect("eventPost", thread, co_await event_post(at, mine), {});
        const long flags = co_await event_wait(at, partners, K_EVENT_AND, no_limit);
        expect("eventWait", thread, flags, {K_EABORT});
        if (flags < 0) co_return;
        co_await event_clear(at, partners);
    }
}

Task<void> use_monitor(unsigned thread, Op op) {
    const VirtAddr at = monitor_at(op.a);
    expect("monitorGet", thread, co_await monitor_get(at), {});
    Inside inside{2, op.a, thread};
    if (op.b % 4 == 0) {
        expect("monitorGet", thread, co_await monitor_get(at), {}); // once more
        inside.leave();
        expect("monitorWait", thread, co_await monitor_wait(at, limit_of(op)), {K_ETIMEOUT, K_EABORT});
        inside.enter();
        expect("monitorRel", thread, co_await monitor_release(at), {});
    } else if (op.b % 4 == 1) {
        co_await stay(op.value % 8);
    } else {
        expect("monitorNotify", thread, co_await monitor_notify(at, op.b % 4 == 2), {});
    }
    inside.leave();
    expect("monitorRel", thread, co_await monitor_release(at), {});
}

namespace {

// What somebody waits for at rest is not there.
[[nodiscard]] bool waits_in_vain(const Waiter& waiter, const u32* words) {
    switch (waiter.wanted) {
    case Wanted::unit:
        return (words[0] & ~waited) == 0;
    case Wanted::flags:
        return waiter.all ? (words[0] & waiter.mask) != waiter.mask : (words[0] & waiter.mask) == 0;
    case Wanted::ownership:
    case Wanted::page:
    case Wanted::message:
        return true;
    }
    return true;
}

// Who has the mutex or the monitor whose unit lies at `offset` of the page.
[[nodiscard]] bool lost(u64 offset) {
    const auto nobody_has = [](unsigned kind, u64 object) {
        return world().holders[kind * object_slots + object] == 0;
    };
    constexpr u64 room = 16, monitor_room = 32;
    const u64 mutex = (objects + offset) - mutex_at(0), monitor = (objects + offset) - monitor_at(0);
    if (mutex < room * object_slots && mutex % room == 0) return nobody_has(0, mutex / room);
    return monitor < monitor_room * object_slots && monitor % monitor_room == offsetof(KnMonitor, mnLock) &&
           nobody_has(2, monitor / monitor_room);
}

void check_waiter(const Thread& thread) {
    const Waiter& waiter = thread.sync.waiter;
    const u64 key = waiter.key.load();
    if (waiter.wanted == Wanted::unit && !world().killing && lost(key % page_size))
        failed(fmt::format("thread {} waits for a mutex or monitor that nobody has", thread.lid));
    if (key == 0) failed(fmt::format("thread {}: its wait was ended, and it does not know", thread.lid));
    if (!waits_in_vain(waiter, machine::direct<u32>(PhysAddr{key})))
        failed(fmt::format("lost wake-up: thread {} waits for what is there", thread.lid));
    if (waiter.wanted != Wanted::ownership) return;
    const Thread* const owner =
        bucket_for(key).with([&](const Bucket& bucket) { return bucket.first(key)->owner; });
    if (owner->priority > thread.priority)
        failed(fmt::format("thread {} with priority {} waits for one with {}", thread.lid, thread.priority,
                           owner->priority));
}

// A thread has exactly what is due to it, and whoever it waits for that or better.
void check_priority_at_rest(Thread& thread) {
    const u16 waiters = thread.sync.loans.with([](Loans& loans) { return best_loan(loans); });
    const u16 due = std::min({thread.base_priority, waiters, lent_priority(thread)});
    if (thread.priority != due)
        failed(fmt::format("thread {} runs with priority {}, and {} is due to it", thread.lid,
                           thread.priority, due));
    if (thread.doing() != Doing::awaiting_reply) return;
    const Thread* const server =
        thread.server != nullptr ? thread.server : thread.sync.request->server.load();
    if (server != nullptr && server->priority > thread.priority)
        failed(fmt::format("thread {} with priority {} waits for the reply of one with {}", thread.lid,
                           thread.priority, server->priority));
}

// Every unit that was given and not taken is there.
void check_units_at_rest(Actor& actor) {
    for (unsigned i = 0; i < object_slots; ++i) {
        const Result<PhysAddr> frame = actor.space.frame_of(sem_at(i));
        if (!frame.ok()) return;
        const u32 units = *machine::direct<u32>(frame.value()) & ~waited, due = world().units[i];
        if (units != due && !world().killing)
            failed(fmt::format("semaphore {} has {} units, and {} are due to it", i, units, due));
    }
}

} // namespace

void check_waits_at_rest() {
    for (const KnCap& capability : world().actors) {
        const Result<Actor*> actor = find_actor(capability);
        if (!actor.ok()) continue;
        check_units_at_rest(*actor.value());
        Actor::Tables* const tables = actor.value()->tables.with([](Actor::Tables& found) { return &found; });
        for (Thread* const thread : tables->threads) {
            if (thread == nullptr) continue;
            if (thread->doing() == Doing::blocked) check_waiter(*thread);
            if (thread->doing() != Doing::nothing) check_priority_at_rest(*thread);
        }
    }
}

} // namespace chorale::sim
