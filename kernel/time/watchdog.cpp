#include "kernel/time/watchdog.hpp"

#include "formats/callback.hpp"
#include "kernel/base/log.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/environment.hpp"
#include "kernel/core/names.hpp"
#include "kernel/core/per_cpu.hpp"

#include <machine/halt.hpp>
#include <machine/timer.hpp>

#include <atomic>

namespace chorale {

namespace {

constexpr CpuIndex home = 0;

struct Watchdog : Timer {
    struct Call : Request {
        Watchdog* watchdog{};
    } call;
    bool called{}; // the call is on its way to the home
    u64 handle{};  // 0: free
    KnUniqueId owner{};
    char owner_name[K_ACTORNAMEMAX]{}; // when it was allocated: the owner may be gone when it is told
    u64 interval{};
    u64 end{}; // of the present interval; 0: disarmed
    unsigned stage{};
};

// Those for actors, and the system's own as the last.
struct Watchdogs {
    std::array<Watchdog, watchdog_limit + 1> all{};
    Watchdog& own() { return all[watchdog_limit]; }
};
constinit Guarded<Rank::watchdogs, Watchdogs> watchdogs;
constinit std::atomic<WatchdogHook> first_stage_hook{nullptr};

void attend(Watchdog& watchdog, bool called);

void arrive(Request& request) { attend(*static_cast<Watchdog::Call&>(request).watchdog, true); }

// Under the lock. True: this is the home, and attend() is due when the lock is free.
[[nodiscard]] bool call_home(Watchdog& watchdog) {
    PerCpu& cpu = this_cpu();
    if (cpu.index == home) return true;
    if (!watchdog.called) {
        watchdog.called = true;
        watchdog.call.watchdog = &watchdog;
        watchdog.call.run = arrive;
        cpu.inbox.post(home, watchdog.call);
    }
    return false;
}

void begin_interval(Watchdog& watchdog) {
    watchdog.stage = 0;
    watchdog.end = machine::now() + watchdog.interval;
}

// At home. The stage that has just been reached, or 0.
[[nodiscard]] unsigned advance(Watchdog& watchdog) {
    const u64 now = machine::now();
    const bool over = watchdog.end != 0 && now >= watchdog.end;
    if (over) {
        ++watchdog.stage;
        watchdog.end = now + watchdog.interval;
    }
    PerCpu& cpu = this_cpu();
    if (watchdog.end == 0) {
        cpu.timers.cancel(watchdog);
    } else {
        cpu.timers.arm(watchdog, watchdog.end);
        if (watchdog.end < cpu.programmed_deadline) cpu.pending |= pending_alarm;
    }
    return over ? watchdog.stage : 0;
}

void attend(Watchdog& watchdog, bool called) {
    char name[K_ACTORNAMEMAX];
    u64 interval = 0;
    const unsigned stage = watchdogs.with([&](Watchdogs&) {
        if (called) watchdog.called = false;
        __builtin_memcpy(name, watchdog.owner_name, sizeof name);
        interval = watchdog.interval;
        return advance(watchdog);
    });
    constexpr u64 nanoseconds_per_millisecond = 1'000'000;
    if (stage == 1) {
        log("watchdog: {} has not been heard of for {} ms", name, interval / nanoseconds_per_millisecond);
        // relaxed: set once, by code that was there before
        if (const WatchdogHook hook = first_stage_hook.load(std::memory_order_relaxed)) hook();
    } else if (stage > 1) {
        log("watchdog: {} is not coming back: restart", name);
        console_flush();
        machine::restart();
    }
}

void expire(Timer& timer) { attend(static_cast<Watchdog&>(timer), false); }

[[nodiscard]] bool owns(const Actor& actor, const Watchdog& watchdog) {
    return watchdog.owner.uiHead == actor.capability.ui.uiHead &&
           watchdog.owner.uiTail == actor.capability.ui.uiTail;
}

// Read before the lock of the watchdogs is taken: an actor's name has a lock of a higher rank.
struct Owner {
    explicit Owner(Actor& actor) : ui{actor.capability.ui} { read_actor_name(actor, name); }
    KnUniqueId ui;
    char name[K_ACTORNAMEMAX];
};

void give(Watchdog& watchdog, const Owner& owner) {
    watchdog.expire = expire;
    watchdog.handle = make_key() | 1; // never 0
    watchdog.owner = owner.ui;
    __builtin_memcpy(watchdog.owner_name, owner.name, sizeof watchdog.owner_name);
}

[[nodiscard]] Watchdog* find(Watchdogs& watched, u64 handle) {
    if (handle == 0) return nullptr;
    for (Watchdog& each : watched.all)
        if (each.handle == handle) return &each; // not the system's own, which has none
    return nullptr;
}

// `nearer` says whether the home must look soon when `work` is done.
using Work = formats::Callback<Status(Watchdog&)>;
[[nodiscard]] Status with_watchdog(const Actor& actor, u64 handle, bool nearer, Work work) {
    Watchdog* here = nullptr;
    const Status status = watchdogs.with([&](Watchdogs& watched) {
        Watchdog* const watchdog = find(watched, handle);
        if (watchdog == nullptr) return Status::invalid;
        if (!owns(actor, *watchdog)) return Status::privilege;
        const Status done = work(*watchdog);
        if (done == Status::ok && nearer && call_home(*watchdog)) here = watchdog;
        return done;
    });
    if (here != nullptr) attend(*here, false);
    return status;
}

// Seconds; 0: not given, or not a number from 1 to an hour's.
[[nodiscard]] u64 configured_interval(std::string_view name) {
    char text[K_ENVVALUEMAX];
    if (!environment::get(name, text).ok()) return 0;
    u64 seconds = 0;
    for (const char* digit = text; *digit != '\0'; ++digit) {
        if (*digit < '0' || *digit > '9' || seconds > longest_watchdog) return 0;
        seconds = seconds * 10 + static_cast<u64>(*digit - '0');
    }
    return seconds <= longest_watchdog / nanoseconds_per_second ? seconds * nanoseconds_per_second : 0;
}

// The system's own begins to run. It has no second chance after its interval: `stage` begins at 1.
void run_own(Watchdogs& watched, std::string_view name, u64 interval) {
    Watchdog& own = watched.own();
    own.expire = expire;
    __builtin_memcpy(own.owner_name, name.data(), name.size() + 1);
    own.interval = interval;
    own.stage = 1;
    own.end = machine::now() + interval;
}

} // namespace

bool is_watchdog(const Timer& timer) { return timer.expire == expire; }
bool is_watchdog(const Request& request) { return request.run == arrive; }

void set_watchdog_hook(WatchdogHook hook) {
    first_stage_hook.store(hook, std::memory_order_relaxed); // relaxed: as in attend()
}

Result<u64> allocate_watchdog(Actor& actor) {
    const Owner owner{actor};
    return watchdogs.with([&](Watchdogs& watched) -> Result<u64> {
        for (Watchdog& each : watched.all) {
            if (each.handle != 0 || &each == &watched.own()) continue;
            give(each, owner);
            each.interval = each.end = 0;
            return each.handle;
        }
        return Status::full;
    });
}

Result<u64> take_over_watchdog(Actor& actor, u64 handle) {
    const Owner owner{actor};
    Watchdog* here = nullptr;
    const Result<u64> taken = watchdogs.with([&](Watchdogs& watched) -> Result<u64> {
        Watchdog* const watchdog = find(watched, handle);
        if (watchdog == nullptr) return Status::invalid;
        give(*watchdog, owner);
        if (watchdog->end != 0) begin_interval(*watchdog);
        if (watchdog->end != 0 && call_home(*watchdog)) here = watchdog;
        return watchdog->handle;
    });
    if (here != nullptr) attend(*here, false);
    return taken;
}

Status free_watchdog(const Actor& owner, u64 handle) {
    return with_watchdog(owner, handle, false, [](Watchdog& watchdog) {
        watchdog.handle = watchdog.end = 0;
        return Status::ok;
    });
}

Status arm_watchdog(const Actor& owner, u64 handle) {
    return with_watchdog(owner, handle, true, [](Watchdog& watchdog) {
        if (watchdog.interval == 0) return Status::invalid;
        begin_interval(watchdog);
        return Status::ok;
    });
}

Status disarm_watchdog(const Actor& owner, u64 handle) {
    return with_watchdog(owner, handle, false, [](Watchdog& watchdog) {
        watchdog.end = 0;
        return Status::ok;
    });
}

// With a shorter interval the end may come nearer.
Status pat_watchdog(const Actor& owner, u64 handle) {
    return with_watchdog(owner, handle, true, [](Watchdog& watchdog) {
        if (watchdog.end != 0) begin_interval(watchdog);
        return Status::ok;
    });
}

Result<bool> watchdog_armed(const Actor& owner, u64 handle) {
    bool armed = false;
    const Status status = with_watchdog(owner, handle, false, [&](Watchdog& watchdog) {
        armed = watchdog.end != 0;
        return Status::ok;
    });
    return status == Status::ok ? Result<bool>{armed} : Result<bool>{status};
}

Result<u64> watchdog_interval(const Actor& owner, u64 handle) {
    u64 interval = 0;
    const Status status = with_watchdog(owner, handle, false, [&](Watchdog& watchdog) {
        interval = watchdog.interval;
        return Status::ok;
    });
    return status == Status::ok ? Result<u64>{interval} : Result<u64>{status};
}

Status set_watchdog_interval(const Actor& owner, u64 handle, u64 interval) {
    return with_watchdog(owner, handle, false, [&](Watchdog& watchdog) {
        if (interval > longest_watchdog) return Status::invalid;
        watchdog.interval = interval < shortest_watchdog ? shortest_watchdog : interval;
        return Status::ok;
    });
}

// At boot, on the first CPU, which is the home.
void watch_startup() {
    const u64 interval = configured_interval("wdt.startup");
    if (interval == 0) return;
    watchdogs.with([&](Watchdogs& watched) { run_own(watched, "the start of the system", interval); });
    watchdogs.with([](Watchdogs& watched) { static_cast<void>(advance(watched.own())); });
}

void end_of_startup() {
    watchdogs.with([](Watchdogs& watched) { watched.own().end = 0; });
}

Status watch_shutdown() {
    constexpr u64 usual = 60 * nanoseconds_per_second;
    char text[K_ENVVALUEMAX];
    const bool given = environment::get("wdt.shutdown", text).ok();
    const u64 interval = given ? configured_interval("wdt.shutdown") : usual;
    Watchdog* here = nullptr;
    const Status status = watchdogs.with([&](Watchdogs& watched) {
        if (interval == 0) return Status::invalid;
        for (const Watchdog& each : watched.all)
            if (each.end != 0) return Status::busy;
        run_own(watched, "the end of the system", interval);
        if (call_home(watched.own())) here = &watched.own();
        return Status::ok;
    });
    if (here != nullptr) attend(*here, false);
    return status;
}

} // namespace chorale
