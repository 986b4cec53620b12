// Virtual timeouts: LAPs that are invoked on a thread when it, or all of its actor, has used so much CPU
// time; of threads that move, end, are deleted, are in another actor's code meanwhile.
#include "kernel/core/per_cpu.hpp"
#include "tests/machine/crew.hpp"
#include "tests/machine/scenarios.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr u64 some = 40 * microsecond, hour = u64{3600} * 1'000'000'000;

// Its address is that of the timeout.
struct Due {
    unsigned calls{};
    long thread{}, delayed{};
    bool waits{};
};
using DuePointer = std::shared_ptr<Due>;

// At thread level: it may wait.
void on_due(u64 argument, u64) {
    Due& due = *reinterpret_cast<Due*>(argument);
    due.thread = native_call(Call::threadSelf);
    const KnTimeVal time = time_of(5 * microsecond);
    if (due.waits) due.delayed = native_call(Call::threadDelay, &time);
    ++due.calls;
}

// Of a thread, or of all of the actor together; the actor `nobody` is the caller's own.
constexpr long whole_actor = K_ALLACTORTHREADS;
struct Target {
    KnCap actor{};
    long thread = K_MYSELF;
};

[[nodiscard]] Task<long> set(Target target, u64 address, u64 nanoseconds, KnLapDesc lap,
                             int kind = K_VTIME_INTERNAL) {
    Named actor;
    Local<KnTimeVal> time;
    Local<KnLapDesc> place;
    if (there(target.actor)) co_await actor.set(target.actor);
    co_await time.set(time_of(nanoseconds));
    co_await place.set(lap);
    if (target.thread == whole_actor) {
        co_return co_await attempt(Call::svActorVirtualTimeoutSet, actor.at(), address, time.at(), kind,
                                   place.at());
    }
    co_return co_await attempt(Call::svThreadVirtualTimeoutSet, actor.at(), target.thread, address, time.at(),
                               kind, place.at());
}

[[nodiscard]] Task<long> cancel(Target target, u64 address) {
    Named actor;
    if (there(target.actor)) co_await actor.set(target.actor);
    if (target.thread == whole_actor)
        co_return co_await attempt(Call::svActorVirtualTimeoutCancel, actor.at(), address);
    co_return co_await attempt(Call::svThreadVirtualTimeoutCancel, actor.at(), target.thread, address);
}

// Whether it is set; anything but success is an error.
[[nodiscard]] Task<bool> is_set(Target target, const DuePointer& due, u64 nanoseconds, KnLapDesc lap,
                                int kind = K_VTIME_INTERNAL) {
    const long result = co_await set(target, word_of(due), nanoseconds, lap, kind);
    expect(result, K_OK, target.thread == whole_actor ? "of an actor" : "of a thread");
    co_return result == K_OK;
}

struct Times {
    u64 internal, external;
};
[[nodiscard]] Task<Times> used_by(Target target) {
    Named actor;
    Local<KnTimeVal> internal, external;
    if (there(target.actor)) co_await actor.set(target.actor);
    expect(co_await attempt(Call::threadTimes, actor.at(), target.thread, internal.at(), external.at()), K_OK,
           "threadTimes");
    const KnTimeVal in = co_await internal.get(), ex = co_await external.get();
    co_return Times{static_cast<u64>(in.tmNSec), static_cast<u64>(ex.tmNSec)};
}

// ---- a thread's own --------------------------------------------------------------------------------------

[[nodiscard]] Task<void> wrong_ones(KnLapDesc lap) {
    constexpr u64 address = 64;
    KnLapDesc forged = lap;
    ++forged.ldKey;
    const KnCap stranger{{u64{5} << 51 | u64{1} << 47, 3}, 4};
    for (const long thread : {long{K_MYSELF}, whole_actor}) {
        const Target own{nobody, thread}, other{stranger, thread};
        expect(co_await set(own, address, some, lap, 2), K_EINVAL, "an unknown kind");
        expect(co_await set(own, address, some, forged), K_EINVAL, "no LAP");
        expect(co_await set(own, 0, some, lap), K_EINVAL, "a virtual timeout that is null");
        expect(co_await cancel(own, address), K_EINVAL, "a virtual timeout that nobody set");
        check(co_await set(other, address, some, lap) < 0, "a stranger's virtual timeout");
        check(co_await cancel(other, address) < 0, "a stranger's virtual timeout is taken back");
    }
    expect(co_await set({nobody, 9'999}, address, some, lap), K_EINVAL, "of no thread");
    expect(co_await cancel({nobody, 9'999}, address), K_EINVAL, "of no thread");
    Local<KnTimeVal> time;
    Local<KnLapDesc> place;
    co_await place.set(lap);
    co_await time.set({0, -1});
    const auto wild = [](u64 at, u64 lap_at) {
        return attempt(Call::svThreadVirtualTimeoutSet, 0, K_MYSELF, address, at, K_VTIME_TOTAL, lap_at);
    };
    expect(co_await wild(time.at().raw(), place.at().raw()), K_EINVAL, "no time");
    expect(co_await wild(0, place.at().raw()), K_EFAULT, "no time");
    expect(co_await wild(time.at().raw(), 0), K_EFAULT, "no LAP");
    expect(co_await attempt(Call::virtualTimeGetRes, time.at()), K_OK, "virtualTimeGetRes");
    expect(co_await attempt(Call::virtualTimeGetRes, 0), K_EFAULT, "virtualTimeGetRes");
}

// One shot, on this thread, when it has used as much; a wait uses nothing.
[[nodiscard]] Task<void> own_time(KnLapDesc lap, int kind) {
    const auto due = std::make_shared<Due>();
    due->waits = true;
    const long self = co_await attempt(Call::threadSelf);
    const Times before = co_await used_by({});
    if (co_await is_set({}, due, some, lap, kind)) {
        co_await rest(3 * some);
        check(due->calls == 0, "a wait uses CPU time");
        check(co_await work_until([=] { return due->calls != 0; }), "no virtual timeout");
        check(due->thread == self, "on another thread");
        check(due->delayed == K_ETIMEOUT, "a handler that may not wait");
        const Times after = co_await used_by({});
        check(after.internal >= before.internal + some, "a virtual timeout too early");
        check(after.external == 0, "a thread was abroad that never left");
    }
    expect(co_await cancel({}, word_of(due)), K_EINVAL, "a virtual timeout comes twice");
    const unsigned calls = due->calls;
    if (co_await is_set({}, due, hour, lap, kind) && co_await is_set({}, due, some, lap, kind))
        check(co_await work_until([=] { return due->calls > calls; }), "set anew, sooner");
    if (co_await is_set({}, due, some, lap, kind) && co_await is_set({}, due, hour, lap, kind)) {
        const unsigned seen = due->calls;
        check(!co_await work_until([=] { return due->calls > seen; }, 2 * some), "set anew, later");
        expect(co_await cancel({}, word_of(due)), K_OK, "a virtual timeout taken back");
    }
    static_cast<void>(co_await cancel({}, word_of(due)));
}

// Several of either kind, some of them due at one time; and one whose LAP has gone.
[[nodiscard]] Task<void> several(KnLapDesc lap) {
    std::array<DuePointer, 6> dues;
    unsigned set_ones = 0;
    for (unsigned i = 0; i < dues.size(); ++i) {
        dues[i] = std::make_shared<Due>();
        const int kind = i % 2 == 0 ? K_VTIME_TOTAL : K_VTIME_INTERNAL;
        if (co_await is_set({}, dues[i], (i / 3 + 1) * some, lap, kind)) ++set_ones;
    }
    KnLapDesc mortal{};
    const auto never = std::make_shared<Due>();
    if (co_await make_lap(nobody, address_of(on_due), 0, 0, mortal) == K_OK) {
        static_cast<void>(co_await set({}, word_of(never), some, mortal));
        co_await remove_lap(mortal);
    }
    const auto sum = [dues] {
        unsigned calls = 0;
        for (const DuePointer& each : dues) calls += each->calls;
        return calls;
    };
    check(co_await work_until([=] { return sum() == set_ones; }), "not all virtual timeouts come");
    check(never->calls == 0, "a LAP that has gone is invoked");
    for (const DuePointer& each : dues) static_cast<void>(co_await cancel({}, word_of(each)));
    static_cast<void>(co_await cancel({}, word_of(never)));
}

// ---- other threads ---------------------------------------------------------------------------------------

// Workers of a supervisor actor and of a user actor, until it is over.
struct Yard {
    KnLapDesc lap{}, visit{};
    KnCap owner{}, user{};
    std::vector<Target> workers;
    bool over{}, timed{};
    DuePointer late = std::make_shared<Due>(); // never comes
    std::array<Due, 4> crowd{};                // come when they like
    std::vector<DuePointer> kept;              // a handler may run still
};
using YardPointer = std::shared_ptr<Yard>;

[[nodiscard]] Task<void> toil(YardPointer yard) {
    static_cast<void>(co_await work_until([=] { return yard->over; }, 2 * millisecond));
}

// On the worker itself, which works for longer than this may take.
[[nodiscard]] Task<void> expect_due(DuePointer due, Target worker) {
    check(co_await until([=] { return due->calls != 0; }), "no virtual timeout of a worker's");
    check(due->thread == worker.thread, "a worker's virtual timeout on another thread");
}

[[nodiscard]] Task<void> time_worker(YardPointer yard, Target worker, CpuIndex to) {
    const auto due = std::make_shared<Due>(), next = std::make_shared<Due>();
    yard->kept.insert(yard->kept.end(), {due, next});
    if (co_await set(worker, word_of(due), some, yard->lap) == K_OK) co_await expect_due(due, worker);
    if (co_await set(worker, word_of(next), 2 * some, yard->lap, K_VTIME_TOTAL) == K_OK) {
        static_cast<void>(co_await bind(worker.actor, worker.thread, to % cpu_count()));
        co_await expect_due(next, worker);
    }
    static_cast<void>(co_await cancel(worker, word_of(due)));
    static_cast<void>(co_await cancel(worker, word_of(next)));
    static_cast<void>(co_await set(worker, word_of(yard->late), hour, yard->lap));
}

// What is set when they end goes with them.
[[nodiscard]] Task<void> time_workers(YardPointer yard) {
    CpuIndex to = 0; // whence the one before has gone, or nobody works
    for (const Target& worker : yard->workers) co_await time_worker(yard, worker, to++);
    for (const Target& worker : yard->workers) {
        static_cast<void>(co_await set(worker, reinterpret_cast<u64>(yard->crowd.data()), some, yard->lap));
        if (worker.thread % 2 == 0)
            static_cast<void>(co_await on_thread(Call::threadDelete, worker.actor, worker.thread));
    }
    yard->over = true;
    co_await rest(some);
    for (const Target& worker : yard->workers) {
        check(co_await set(worker, 64, some, yard->lap) < 0, "a virtual timeout of one that has ended");
        check(co_await cancel(worker, 64) < 0, "a virtual timeout of one that has ended");
    }
}

// ---- abroad ----------------------------------------------------------------------------------------------

struct Journey {
    DuePointer total = std::make_shared<Due>(), internal = std::make_shared<Due>(),
               taken_back = std::make_shared<Due>();
    Target self{};
    KnLapDesc lap{};
    bool was_set{};
};
using JourneyPointer = std::shared_ptr<Journey>;

// In another actor's code: what is due waits until the thread is at home, and may still be taken back.
[[nodiscard]] Task<void> work_abroad(JourneyPointer journey) {
    const Target self = journey->self;
    const Times before = co_await used_by(self);
    const bool due = co_await is_set(self, journey->total, some, journey->lap, K_VTIME_TOTAL);
    const bool back = co_await is_set(self, journey->taken_back, some, journey->lap, K_VTIME_TOTAL);
    static_cast<void>(co_await is_set(self, journey->internal, hour, journey->lap));
    static_cast<void>(co_await work_until([] { return false; }, 3 * some));
    const Times after = co_await used_by(self);
    check(after.external >= before.external + 2 * some, "time abroad is not counted");
    check(after.internal <= before.internal + some, "time abroad is counted at home");
    check(journey->total->calls == 0, "a virtual timeout comes abroad");
    if (back) expect(co_await cancel(self, word_of(journey->taken_back)), K_OK, "one that is due");
    journey->was_set = due;
}

void expect_home(const Journey& journey) {
    if (!journey.was_set) return;
    check(journey.total->calls == 1, "no virtual timeout at home");
    check(journey.total->thread == journey.self.thread, "a virtual timeout on another thread");
    check(journey.taken_back->calls == 0 && journey.internal->calls == 0, "one that is not due");
}

// From user mode, by a safe LAP.
[[nodiscard]] Task<void> travel(JourneyPointer journey, KnLapDesc ferry) {
    Local<KnLapDesc> place;
    journey->self.thread = co_await attempt(Call::threadSelf);
    co_await place.set(ferry);
    const long result = co_await attempt(Call::lapInvoke, place.at(), 0);
    expect(result, K_OK, "lapInvoke");
    if (result != K_OK) co_return;
    co_await pause();
    expect_home(*journey);
}

// From supervisor mode, by any.
[[nodiscard]] Task<void> travel_in_supervisor_mode(JourneyPointer journey, KnLapDesc ferry) {
    journey->self.thread = co_await attempt(Call::threadSelf);
    const long result = co_await invoke_lap(ferry);
    check(result == K_OK, "lapInvoke in supervisor mode");
    if (result != K_OK) co_return;
    co_await pause();
    expect_home(*journey);
}

// ---- of an actor -----------------------------------------------------------------------------------------

[[nodiscard]] Task<void> time_actor(YardPointer yard, KnCap actor) {
    const auto due = std::make_shared<Due>(), all = std::make_shared<Due>(), late = std::make_shared<Due>();
    const Target whole{actor, whole_actor};
    yard->kept.insert(yard->kept.end(), {due, all, late});
    const Times before = co_await used_by(whole);
    const u64 span = 6 * some;
    const bool one = co_await is_set(whole, due, span, yard->lap);
    const bool two = co_await is_set(whole, all, span, yard->lap, K_VTIME_TOTAL);
    const bool later = co_await is_set(whole, late, hour, yard->lap);
    if (one) check(co_await until([=] { return due->calls != 0; }), "no virtual timeout of an actor's");
    if (two) check(co_await until([=] { return all->calls != 0; }), "no virtual timeout of an actor's");
    const Times after = co_await used_by(whole);
    if (one) check(after.internal >= before.internal + span, "an actor's virtual timeout too early");
    check(due->calls <= 1 && all->calls <= 1 && late->calls == 0, "an actor's virtual timeout comes twice");
    for (const auto& each : {due, all}) static_cast<void>(co_await cancel(whole, word_of(each)));
    yard->timed = true;
    if (!later) co_return;
    const long back = co_await cancel(whole, word_of(late));
    expect(back, K_OK, "an actor's virtual timeout is taken back");
    if (back == K_OK)
        expect(co_await cancel(whole, word_of(late)), K_EINVAL, "an actor's virtual timeout goes twice");
    static_cast<void>(co_await set(whole, word_of(yard->late), hour, yard->lap)); // goes with the actor
}

// Until somebody deletes the actor, or all of its threads have ended.
[[nodiscard]] Task<void> time_doomed(YardPointer yard, KnCap actor) {
    const Target whole{actor, whole_actor};
    for (unsigned i = 0; i < 60 && !yard->over; ++i) {
        const u64 address = reinterpret_cast<u64>(&yard->crowd.at(i % 4));
        const u64 span = i % 3 == 0 ? hour : 3 * microsecond;
        if (co_await set(whole, address, span, yard->lap, static_cast<int>(i % 2)) < 0) break;
    }
}

[[nodiscard]] Task<void> come_and_go() {
    static_cast<void>(co_await work_until([] { return false; }, 7 * microsecond));
}

// ---- together --------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> make_laps(YardPointer yard) {
    static_cast<void>(co_await make_lap(nobody, address_of(on_due), 0, 0, yard->lap));
}

[[nodiscard]] Task<void> make_ferry(KnCap owner, u64 entry, u32 options, std::shared_ptr<KnLapDesc> ferry) {
    static_cast<void>(co_await make_lap(owner, entry, 0, options, *ferry));
}

[[nodiscard]] Task<bool> begin(CrewPointer crew, YardPointer yard) {
    co_await crew->gather();
    yard->owner = crew->actor();
    co_await crew->play([yard](u64) { return make_laps(yard); }, 0);
    co_return co_await until([yard] { return yard->lap.ldKey != 0; }, millisecond);
}

} // namespace

Task<void> virtual_timeouts_of_threads(u64) {
    const auto crew = std::make_shared<Crew>();
    const auto yard = std::make_shared<Yard>();
    if (co_await begin(crew, yard)) {
        const KnLapDesc lap = yard->lap;
        co_await crew->play([=](u64) { return wrong_ones(lap); }, 1);
        co_await crew->play([=](u64) { return own_time(lap, K_VTIME_INTERNAL); }, 1);
        co_await crew->play([=](u64) { return own_time(lap, K_VTIME_TOTAL); }, 2);
        co_await crew->play([=](u64) { return several(lap); }, 3);
    }
    co_await crew->end();
}

Task<void> virtual_timeouts_of_others(u64) {
    const auto crew = std::make_shared<Crew>();
    const auto stage = std::make_shared<Stage>();
    const auto yard = std::make_shared<Yard>();
    yard->user = co_await stage->actor();
    if (co_await begin(crew, yard)) {
        for (CpuIndex cpu = 1; cpu < 4; ++cpu) {
            long thread = 0;
            const KnCap actor = cpu == 2 ? yard->owner : yard->user;
            if (cpu == 2) {
                thread = co_await crew->serve([=](u64) { return toil(yard); }, cpu, 200);
            } else {
                thread = co_await stage->serve(actor, [=](u64) { return toil(yard); },
                                               {.cpu = cpu, .priority = 200, .stack = cpu});
            }
            if (thread > 0) yard->workers.push_back({actor, thread});
        }
        co_await crew->play([=](u64) { return time_workers(yard); }, 0);
        static_cast<void>(co_await until([=] { return yard->over; }, 20 * millisecond));
    }
    yard->over = true;
    co_await crew->end();
    co_await stage->end();
}

Task<void> virtual_timeouts_abroad(u64) {
    const auto crew = std::make_shared<Crew>(), hosts = std::make_shared<Crew>();
    const auto stage = std::make_shared<Stage>();
    const auto yard = std::make_shared<Yard>();
    const KnCap user = co_await stage->actor();
    co_await hosts->gather();
    if (co_await begin(crew, yard) && there(hosts->actor())) {
        CpuIndex cpu = 1;
        for (const u32 options : {u32{K_LAP_SAFE}, u32{K_LAP_SAFE}, 0u}) {
            const auto journey = std::make_shared<Journey>();
            const auto ferry = std::make_shared<KnLapDesc>();
            const bool trusted = cpu != 1;
            journey->lap = yard->lap;
            journey->self.actor = trusted ? crew->actor() : user;
            const u64 entry = supervisor_entry([=](u64) { return work_abroad(journey); });
            const KnCap owner = hosts->actor();
            const Program makes = [=](u64) { return make_ferry(owner, entry, options, ferry); };
            static_cast<void>(co_await in_supervisor_mode(makes));
            if (ferry->ldKey == 0) continue;
            const KnLapDesc there_and_back = *ferry;
            if (trusted) {
                co_await crew->play([=](u64) { return travel_in_supervisor_mode(journey, there_and_back); },
                                    cpu);
            } else {
                co_await stage->play(user, [=](u64) { return travel(journey, there_and_back); },
                                     {.cpu = cpu, .stack = cpu});
            }
            ++cpu;
        }
    }
    co_await crew->end();
    co_await stage->end();
    co_await hosts->end();
}

Task<void> virtual_timeouts_of_actors(u64) {
    const auto crew = std::make_shared<Crew>();
    const auto stage = std::make_shared<Stage>();
    const auto yard = std::make_shared<Yard>();
    yard->user = co_await stage->actor();
    if (co_await begin(crew, yard)) {
        const KnCap user = yard->user;
        co_await crew->play([=](u64) { return time_actor(yard, user); }, 0, 90);
        for (CpuIndex cpu = 1; cpu < 4; ++cpu) {
            co_await stage->play(user, [=](u64) { return toil(yard); },
                                 {.cpu = cpu, .priority = 200, .stack = cpu});
            co_await crew->serve([=](u64) { return toil(yard); }, cpu, 210);
        }
        co_await crew->play([=](u64) { return time_doomed(yard, yard->owner); }, 1, 190);
        static_cast<void>(co_await until([=] { return yard->timed; }));
        co_await rest(some);
    }
    yard->over = true;
    co_await crew->end();
    co_await stage->end();
}

Task<void> virtual_timeouts_of_doomed_actors(u64) {
    const auto crew = std::make_shared<Crew>();
    const auto stage = std::make_shared<Stage>();
    const auto yard = std::make_shared<Yard>();
    yard->user = co_await stage->actor();
    if (co_await begin(crew, yard) && there(yard->user)) {
        const KnCap user = yard->user;
        for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
            co_await stage->serve(user, [](u64) { return come_and_go(); },
                                  {.cpu = cpu, .priority = 200, .stack = cpu});
            co_await stage->serve(user, [=](u64) { return toil(yard); },
                                  {.cpu = cpu, .priority = 205, .stack = 4 + cpu});
        }
        co_await crew->play([=](u64) { return time_doomed(yard, user); }, 2);
        co_await rest(40 * microsecond);
        co_await stage->end();
    }
    yard->over = true;
    co_await stage->end();
    co_await crew->end();
}

} // namespace chorale::test
