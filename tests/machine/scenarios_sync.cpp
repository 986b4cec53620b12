// Synchronisation objects: used, waited for in every way in which a wait can end, owned by those who end,
// shared with those who scribble there.
#include "arch/host/objects.hpp"

#include "arch/host/user_word.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr VirtAddr objects = room; // in a page of their own, which can be freed
constexpr VirtAddr mutex = objects, sem = objects + 16, events = objects + 32, monitor = objects + 64;
constexpr unsigned rt_mutexes = 4;
[[nodiscard]] VirtAddr rt_mutex(unsigned i) { return objects + 256 + i * 16; }

[[nodiscard]] KnRgnDesc page_of_objects(VmFlags options) {
    KnRgnDesc region{};
    region.startAddr = objects.raw();
    region.size = page_size;
    region.options = options;
    return region;
}

// An actor with a page of objects, mutex and monitor free.
[[nodiscard]] Task<KnCap> actor_with_objects(StagePointer stage) {
    const KnCap actor = co_await stage->actor();
    if (!there(actor) || co_await allocate(actor, page_of_objects(K_WRITABLE | K_NODEMAND)) < 0)
        co_return nobody;
    Named owner;
    Local<u32> one;
    co_await owner.set(actor);
    co_await one.set(1);
    for (const VirtAddr at : {mutex, monitor}) {
        if (co_await attempt(Call::vmCopy, 0, one.at(), owner.at(), at, sizeof(u32), 0) < 0) co_return nobody;
    }
    co_return actor;
}

// One that has the same memory there.
[[nodiscard]] Task<KnCap> sharer(StagePointer stage, KnCap from) {
    const KnCap actor = co_await stage->actor();
    if (!there(actor) || !there(from)) co_return nobody;
    Named source, target;
    Local<KnRgnDesc> source_region, target_region;
    co_await source.set(from);
    co_await target.set(actor);
    co_await source_region.set(page_of_objects(K_WRITABLE));
    co_await target_region.set(page_of_objects(K_WRITABLE));
    const long result = co_await attempt(Call::rgnMapFromActor, target.at(), target_region.at(), source.at(),
                                         source_region.at());
    co_return result == K_OK ? actor : nobody;
}

[[nodiscard]] long judged(Call call, long result) {
    judge(static_cast<u64>(call), result);
    return result;
}

// ---- use -------------------------------------------------------------------------------------------------

struct Inside {
    unsigned mutex{}, monitor{};
};

[[nodiscard]] Task<void> in_mutex(std::shared_ptr<Inside> inside) {
    for (int i = 0; i < 6; ++i) {
        if (judged(Call::syncTake, co_await mutex_get(mutex)) != K_OK) co_return;
        if (++inside->mutex != 1) complain("two threads have a mutex");
        co_await pause();
        --inside->mutex;
        static_cast<void>(judged(Call::syncGive, co_await mutex_release(mutex)));
    }
}

[[nodiscard]] Task<void> in_monitor(std::shared_ptr<Inside> inside, bool waits) {
    for (int i = 0; i < 4; ++i) {
        if (judged(Call::syncTake, co_await monitor_get(monitor)) != K_OK) co_return;
        if (++inside->monitor != 1) complain("two threads have a monitor");
        co_await pause();
        --inside->monitor;
        if (waits) {
            static_cast<void>(judged(Call::syncTake, co_await monitor_wait(monitor, 100 * microsecond)));
        } else {
            static_cast<void>(judged(Call::syncGive, co_await monitor_notify(monitor, i % 2 == 0)));
        }
        static_cast<void>(judged(Call::syncGive, co_await monitor_release(monitor)));
    }
}

[[nodiscard]] Task<void> produce() {
    for (u32 i = 0; i < 8; ++i) {
        static_cast<void>(judged(Call::syncGive, co_await sem_v(sem)));
        static_cast<void>(judged(Call::eventNotify, co_await event_post(events, 1u << i % 3)));
    }
}

[[nodiscard]] Task<void> consume() {
    for (u32 i = 0; i < 6; ++i) {
        static_cast<void>(judged(Call::syncTake, co_await sem_p(sem, 200 * microsecond)));
        const u32 mask = 1 + i % 7;
        const int operation = i % 2 == 0 ? K_EVENT_AND : K_EVENT_OR;
        const long flags =
            judged(Call::eventAwait, co_await event_wait(events, mask, operation, 200 * microsecond));
        if (flags >= 0 && (static_cast<u32>(flags) & mask) == 0) complain("an event that was not posted");
        co_await event_clear(events, mask);
    }
}

// ---- waits -----------------------------------------------------------------------------------------------

// Each kind of wait, on something that nobody gives.
constexpr unsigned kinds_of_waits = 6;
[[nodiscard]] Task<void> wait_for(unsigned kind, u64 limit) {
    const VirtAddr nothing = objects + 1024;
    switch (kind) {
    case 0:
    case 1:
        static_cast<void>(judged(Call::syncTake, co_await sem_p(nothing, limit)));
        break;
    case 2:
        static_cast<void>(judged(Call::eventAwait, co_await event_wait(nothing + 8, 3, K_EVENT_AND, limit)));
        break;
    case 3:
        if (co_await monitor_get(monitor) != K_OK) co_return;
        static_cast<void>(judged(Call::syncTake, co_await monitor_wait(monitor, limit)));
        static_cast<void>(co_await monitor_release(monitor));
        break;
    case 4:
        static_cast<void>(judged(Call::syncTake, co_await mutex_get(nothing + 16)));
        break;
    default:
        static_cast<void>(judged(Call::rtMutexGet, co_await call(Call::rtMutexGet, rt_mutex(0))));
    }
}

[[nodiscard]] Task<std::vector<long>> start_waits(StagePointer stage, KnCap actor, u64 limit) {
    std::vector<long> threads;
    unsigned stack = 10;
    for (const CpuIndex cpu : {0u, 2u}) {
        for (unsigned kind = 0; kind < kinds_of_waits; ++kind) {
            threads.push_back(co_await stage->serve(
                actor, [kind, limit](u64) { return wait_for(kind, limit); }, {cpu, 100 + kind, ++stack}));
        }
    }
    co_return threads;
}

[[nodiscard]] Task<void> to_all(Call call, KnCap actor, std::vector<long> threads) {
    for (const long thread : threads) {
        if (thread > 0) static_cast<void>(co_await on_thread(call, actor, thread));
    }
}

[[nodiscard]] Task<void> free_objects(KnCap actor) {
    for (int tries = 0; tries < 3; ++tries) {
        if (co_await release(actor, page_of_objects(0)) == K_OK) co_return;
    }
}

enum class End : u8 { time_out, abort, deletion, no_memory };

[[nodiscard]] Task<void> end_waits(KnCap actor, std::vector<long> threads, End end) {
    switch (end) {
    case End::time_out:
        return [](u64 time) -> Task<void> { co_await rest(time); }(100 * microsecond);
    case End::abort:
        return to_all(Call::threadAbort, actor, threads);
    case End::deletion:
        return to_all(Call::threadDelete, actor, threads);
    case End::no_memory:
        return free_objects(actor);
    }
    return free_objects(actor);
}

// ---- owners ----------------------------------------------------------------------------------------------

// Has its own mutex and waits for the next one's.
[[nodiscard]] Task<void> own_and_wait(unsigned i) {
    if (judged(Call::rtMutexGet, co_await call(Call::rtMutexGet, rt_mutex(i))) != K_OK) co_return;
    co_await rest(100 * microsecond);
    const unsigned next = (i + 1) % rt_mutexes;
    if (judged(Call::rtMutexGet, co_await call(Call::rtMutexGet, rt_mutex(next))) == K_OK)
        static_cast<void>(judged(Call::rtMutexRel, co_await call(Call::rtMutexRel, rt_mutex(next))));
    static_cast<void>(judged(Call::rtMutexRel, co_await call(Call::rtMutexRel, rt_mutex(i))));
}

// The same through a call, whose server needs the mutex.
[[nodiscard]] Task<void> own_and_call(unsigned i, KnUniqueId port, u64 size) {
    if (judged(Call::rtMutexGet, co_await call(Call::rtMutexGet, rt_mutex(i))) != K_OK) co_return;
    static_cast<void>(co_await attempt(message_call(port, {}, size)));
    static_cast<void>(judged(Call::rtMutexRel, co_await call(Call::rtMutexRel, rt_mutex(i))));
}
[[nodiscard]] Task<void> serve_with(unsigned i, long li) {
    MessageResult got = co_await attempt(message_receive(static_cast<int>(li)));
    while (got.size >= 0) {
        if (judged(Call::rtMutexGet, co_await call(Call::rtMutexGet, rt_mutex(i))) == K_OK)
            static_cast<void>(judged(Call::rtMutexRel, co_await call(Call::rtMutexRel, rt_mutex(i))));
        got = co_await attempt(message_reply_receive(static_cast<int>(li)));
    }
}

// Changes priorities and CPUs along the chain, then ends one after the other: who waits and owns, too.
[[nodiscard]] Task<void> disturb(KnCap actor, std::vector<long> threads, bool ends) {
    Named owner;
    Local<KnFifoThParms> wanted;
    co_await owner.set(actor);
    for (unsigned round = 0; round < 2; ++round) {
        for (const long thread : threads) {
            if (thread <= 0) continue;
            co_await wanted.set({K_SCHED_FIFO, 80 + static_cast<unsigned>(thread * 7 + round * 11) % 40});
            static_cast<void>(co_await attempt(Call::threadScheduler, owner.at(), thread, 0, wanted.at()));
            static_cast<void>(co_await bind(actor, thread, static_cast<CpuIndex>(thread + round) % 4));
        }
        co_await rest(50 * microsecond);
    }
    if (ends) co_await to_all(Call::threadDelete, actor, threads);
}

// ---- nonsense --------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> scribble() {
    u32 state = 1;
    for (int i = 0; i < 60; ++i) {
        state = state * 1664525 + 1013904223;
        const VirtAddr at = objects + (state >> 8) % 96 * 4 + (i % 2 == 0 ? 0 : 256);
        co_await on_word(at, WordOperation::put, i % 3 == 0 ? 0 : i % 3 == 1 ? state : u32{1} << 31);
        if (i % 4 == 0) static_cast<void>(judged(Call::syncGive, co_await call(Call::syncGive, at, state)));
        if (i % 8 == 1)
            static_cast<void>(
                judged(Call::rtMutexTry, co_await call(Call::rtMutexTry, rt_mutex(state % rt_mutexes))));
        if (i % 8 == 5)
            static_cast<void>(
                judged(Call::rtMutexRel, co_await call(Call::rtMutexRel, rt_mutex(state % rt_mutexes))));
    }
}

// Two CPUs end them all at once.
[[nodiscard]] Task<void> waits_that_end(End end) {
    const auto stage = std::make_shared<Stage>();
    const KnCap other = co_await stage->actor(), actor = co_await actor_with_objects(stage);
    co_await stage->serve(actor, [](u64) { return own_and_wait(0); }, {.cpu = 1, .stack = 1});
    const std::vector<long> threads =
        co_await start_waits(stage, actor, end == End::time_out ? 150 * microsecond : no_limit);
    co_await rest(60 * microsecond);
    for (const CpuIndex cpu : {1u, 3u}) {
        co_await stage->play(other, [=](u64) { return end_waits(actor, threads, end); }, {cpu, 100, 1 + cpu});
    }
    co_await stage->end();
}

} // namespace

Task<void> objects_of_all_kinds(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto inside = std::make_shared<Inside>();
    const KnCap actor = co_await actor_with_objects(stage), other = co_await sharer(stage, actor);
    unsigned stack = 0;
    for (const KnCap& each : {actor, other}) {
        for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
            const bool even = cpu % 2 == 0;
            const ThreadSettings settings{cpu, 100 + stack % 3, ++stack};
            co_await stage->play(each, [inside](u64) { return in_mutex(inside); }, settings);
            co_await stage->play(each, [even](u64) { return even ? produce() : consume(); },
                                 {cpu, 100, ++stack});
            co_await stage->play(each, [inside, even](u64) { return in_monitor(inside, even); },
                                 {cpu, 101, ++stack});
        }
    }
    co_await stage->end();
}

Task<void> waits_that_time_out(u64) { return waits_that_end(End::time_out); }
Task<void> waits_that_are_aborted(u64) { return waits_that_end(End::abort); }
Task<void> waiters_that_end(u64) { return waits_that_end(End::deletion); }
Task<void> objects_that_go(u64) { return waits_that_end(End::no_memory); }

Task<void> owners_of_all_kinds(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await actor_with_objects(stage), other = co_await stage->actor();
    const KnCap third = co_await sharer(stage, actor);
    KnUniqueId port{};
    const long li = co_await stage->port(actor, port);
    std::vector<long> threads;
    for (unsigned i = 0; i < rt_mutexes; ++i) {
        const ThreadSettings settings{i % 4, 90 + i * 3, i + 1};
        threads.push_back(co_await stage->serve(actor, [i](u64) { return own_and_wait(i); }, settings));
    }
    for (unsigned i = 0; i < 2; ++i) {
        threads.push_back(co_await stage->serve(
            actor, [i, port](u64) { return own_and_call(i, port, i == 0 ? 8 : 64); }, {i, 95, i + 10}));
        threads.push_back(co_await stage->serve(actor, [i, li](u64) { return serve_with(3 - i, li); },
                                                {3 - i, 110, i + 15}));
    }
    for (const unsigned i : {0u, 2u})
        co_await stage->serve(third, [i](u64) { return own_and_wait(i); }, {i % 4, 88 + i, i + 1});
    co_await stage->play(other, [=](u64) { return disturb(actor, threads, false); }, {.cpu = 2, .stack = 1});
    co_await rest(200 * microsecond);
    co_await stage->play(other, [=](u64) { return disturb(actor, threads, true); }, {.cpu = 3, .stack = 2});
    co_await stage->end();
}

// Who scribbles on objects ends waits of those who share them, and harms nobody else.
Task<void> scribbled_objects(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto inside = std::make_shared<Inside>();
    const KnCap honest = co_await actor_with_objects(stage);
    const KnCap victim = co_await actor_with_objects(stage), hostile = co_await sharer(stage, victim);
    static_cast<void>(co_await start_waits(stage, victim, 200 * microsecond));
    for (unsigned i = 0; i < rt_mutexes; ++i)
        co_await stage->serve(victim, [i](u64) { return own_and_wait(i); }, {i % 4, 90 + i, i + 1});
    for (const CpuIndex cpu : {0u, 1u, 3u})
        co_await stage->play(hostile, [](u64) { return scribble(); }, {cpu, 100, cpu + 1});
    for (CpuIndex cpu = 0; cpu < 4; ++cpu)
        co_await stage->play(honest, [inside](u64) { return in_mutex(inside); }, {cpu, 100, cpu + 1});
    co_await stage->end();
}

} // namespace chorale::test
