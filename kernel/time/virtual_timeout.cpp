#include "kernel/time/virtual_timeout.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/cpu_time.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/lap/invocation.hpp"
#include "kernel/mem/slab.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/supervisor.hpp>
#include <machine/timer.hpp>

namespace chorale {

struct VirtualTimeout {
    VirtualTimeout* next{};
    VirtualTimeoutSetting setting;
    u64 at{}; // nanoseconds of the account that it goes by
};

namespace {

constexpr u64 never = TimeLimit::never;
// Nanoseconds: what several CPUs use may come in ever smaller parts, and a thread abroad uses none at home.
constexpr u64 shortest_look = 20'000;
constexpr u64 retry = 10'000'000; // nanoseconds of CPU time, when there is no memory for a stack

constinit Cache<VirtualTimeout> virtual_timeouts{"virtual timeouts"};

struct Used {
    u64 home, total; // nanoseconds
    [[nodiscard]] u64 of(bool in_all) const { return in_all ? total : home; }
};

[[nodiscard]] Used used_by(const Thread& thread) {
    const TimesUsed used = times_used(thread.scheduling.time);
    return {used.home, used.home + used.abroad};
}
[[nodiscard]] Used used_by(const Actor& actor) {
    const ActorVirtualTime& time = actor.virtual_time;
    return {machine::duration(time.home.load()), machine::duration(time.total.load())};
}

[[nodiscard]] VirtualTimeout** find(VirtualTimeout*& first, u64 address) {
    VirtualTimeout** link = &first;
    while (*link != nullptr && (*link)->setting.address != address) link = &(*link)->next;
    return link;
}

[[nodiscard]] bool full(const VirtualTimeout* list) {
    unsigned count = 0;
    for (; list != nullptr; list = list->next) ++count;
    return count >= virtual_timeout_limit;
}

// In place of one with the same address. Error: full.
[[nodiscard]] Status enter(VirtualTimeout*& first, VirtualTimeout& timeout, const Used& used) {
    VirtualTimeout** const link = find(first, timeout.setting.address);
    if (*link == nullptr && full(first)) return Status::full;
    timeout.at = used.of(timeout.setting.total) + timeout.setting.nanoseconds;
    timeout.next = nullptr;
    if (VirtualTimeout* const old = *link; old != nullptr) {
        timeout.next = old->next;
        throw_away(*old);
    }
    *link = &timeout;
    return Status::ok;
}

[[nodiscard]] Status leave(VirtualTimeout*& first, u64 address) {
    VirtualTimeout** const link = find(first, address);
    VirtualTimeout* const timeout = *link;
    if (timeout == nullptr) return Status::invalid;
    *link = timeout->next;
    throw_away(*timeout);
    return Status::ok;
}

struct Limits {
    u64 home{never}, total{never};
};
[[nodiscard]] Limits limits_of(const VirtualTimeout* list) {
    Limits limits;
    for (; list != nullptr; list = list->next) {
        u64& limit = list->setting.total ? limits.total : limits.home;
        limit = limit < list->at ? limit : list->at;
    }
    return limits;
}

// Those whose time has come go to the end of what is due of the thread.
void take_due(VirtualTimeout*& first, const Used& used, Thread& thread) {
    VirtualTimeout** end = &thread.virtual_timeouts.due;
    while (*end != nullptr) end = &(*end)->next;
    for (VirtualTimeout** link = &first; *link != nullptr;) {
        VirtualTimeout* const each = *link;
        if (used.of(each->setting.total) < each->at) {
            link = &each->next;
            continue;
        }
        *link = each->next;
        each->next = nullptr;
        *end = each;
        end = &each->next;
        thread.set(flag_due);
    }
}

void note_limits(Thread& thread) {
    const Limits limits = limits_of(thread.virtual_timeouts.armed);
    thread.scheduling.limit = {limits.home, limits.total};
}
void note_limits(Actor& actor, const VirtualTimeout* armed) {
    const Limits limits = limits_of(armed);
    actor.virtual_time.home_limit.store(limits.home);
    actor.virtual_time.total_limit.store(limits.total);
}

void charge_actor(Thread& thread, u64 cycles, bool abroad) {
    Actor& actor = *thread.actor;
    ActorVirtualTime& time = actor.virtual_time;
    time.total.add(cycles);
    if (!abroad) time.home.add(cycles);
    const Used used = used_by(actor);
    if (used.home < time.home_limit.load() && used.total < time.total_limit.load()) return;
    if (thread.has(flag_dying)) return; // it will run no handler: the next one that is charged does
    time.list.with([&](ActorVirtualTime::List& list) {
        take_due(list.armed, used, thread);
        note_limits(actor, list.armed);
    });
}

[[nodiscard]] u64 left(u64 limit, u64 used) {
    return limit == never ? never : limit > used ? limit - used : 0;
}

[[nodiscard]] u64 nearest(u64 a, u64 b) { return a < b ? a : b; }

void drop(VirtualTimeout*& list) {
    while (VirtualTimeout* const timeout = list) {
        list = timeout->next;
        throw_away(*timeout);
    }
}

} // namespace

Result<VirtualTimeout*> make_virtual_timeout(const VirtualTimeoutSetting& setting) {
    const Result<VirtualTimeout*> made = virtual_timeouts.make();
    if (made.ok()) made.value()->setting = setting;
    return made;
}

void throw_away(VirtualTimeout& timeout) { virtual_timeouts.destroy(&timeout); }

Status arm_virtual(Thread& thread, VirtualTimeout& timeout) {
    start_metering(thread);
    const Status status = enter(thread.virtual_timeouts.armed, timeout, used_by(thread));
    note_limits(thread);
    look_again(thread);
    return status;
}

// Also when it is due, and has not been run yet.
Status cancel_virtual(Thread& thread, u64 address) {
    const Status status = leave(thread.virtual_timeouts.armed, address);
    note_limits(thread);
    return status == Status::ok ? status : leave(thread.virtual_timeouts.due, address);
}

Status arm_virtual(Actor& actor, VirtualTimeout& timeout) {
    actor.virtual_time.metered.store(true);
    return actor.virtual_time.list.with([&](ActorVirtualTime::List& list) {
        const Status status = enter(list.armed, timeout, used_by(actor));
        note_limits(actor, list.armed);
        return status;
    });
}

Status cancel_virtual(Actor& actor, u64 address) {
    return actor.virtual_time.list.with([&](ActorVirtualTime::List& list) {
        const Status status = leave(list.armed, address);
        note_limits(actor, list.armed);
        return status;
    });
}

void look_at_limits(Thread& thread, u64 cycles, bool abroad) {
    const TimeLimit& limit = thread.scheduling.limit;
    if ((limit.home & limit.total) != never) {
        const Used used = used_by(thread);
        if (used.home >= limit.home || used.total >= limit.total) {
            take_due(thread.virtual_timeouts.armed, used, thread);
            note_limits(thread);
        }
    }
    if (thread.actor->virtual_time.limited()) charge_actor(thread, cycles, abroad);
}

u64 until_limit(const Thread& thread) {
    const TimeLimit& limit = thread.scheduling.limit;
    const Used used = used_by(thread);
    u64 next = nearest(left(limit.home, used.home), left(limit.total, used.total));
    const ActorVirtualTime& time = thread.actor->virtual_time;
    if (time.limited()) {
        const Used all = used_by(*thread.actor);
        next = nearest(
            next, nearest(left(time.home_limit.load(), all.home), left(time.total_limit.load(), all.total)) /
                      cpu_count());
    }
    return next < shortest_look ? shortest_look : next;
}

void run_due(Thread& self) {
    VirtualTimeouts& timeouts = self.virtual_timeouts;
    VirtualTimeout* const timeout = timeouts.due;
    if (timeout == nullptr || !in_own_code(self)) {
        self.clear(flag_due);
        if (timeout != nullptr) await_home(self); // come_home() sets it again
        return;
    }
    const VirtualTimeoutSetting& setting = timeout->setting;
    Handler handler;
    handler.entry = VirtAddr{reinterpret_cast<u64>(&machine::chorale_lap_invoke_guarded)};
    handler.argument[0] = HandlerWord::of(setting.lap.ldPlace);
    handler.argument[1] = HandlerWord::of(setting.lap.ldKey);
    handler.argument[2] = HandlerWord::of(setting.address);
    handler.owner = self.supervisor.execution;
    timeouts.due = timeout->next;
    if (timeouts.due == nullptr) self.clear(flag_due);
    if (enter_handler(self, handler) == Status::ok) {
        throw_away(*timeout);
        return;
    }
    timeout->setting.nanoseconds = retry;
    if (arm_virtual(self, *timeout) != Status::ok) throw_away(*timeout);
}

void drop_virtual_timeouts(Thread& thread) {
    drop(thread.virtual_timeouts.armed);
    drop(thread.virtual_timeouts.due);
}

void drop_virtual_timeouts(Actor& actor) {
    ActorVirtualTime& time = actor.virtual_time;
    VirtualTimeout* all = time.list.with([](ActorVirtualTime::List& list) {
        VirtualTimeout* const taken = list.armed;
        list.armed = nullptr;
        return taken;
    });
    drop(all);
    note_limits(actor, nullptr);
    time.metered.store(false);
    time.home.store(0);
    time.total.store(0);
}

} // namespace chorale
