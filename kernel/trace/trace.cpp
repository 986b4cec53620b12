#include "kernel/trace/trace.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/call/table.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/trace/recorder.hpp"

#include <machine/call_entry.hpp>
#include <machine/cpu.hpp>
#include <machine/mmu.hpp>
#include <machine/timer.hpp>
#include <machine/user_access.hpp>

#include <array>
#include <bit>

namespace chorale {

namespace {

constexpr u64 least_records = page_size / sizeof(KnTraceRecord);
constexpr unsigned most_read = 64;      // by one call
constexpr unsigned actors_at_once = 32; // told in one step
static_assert(sizeof(KnTraceRecord) == 64);
static_assert(order_for(K_TRACE_RECORDS_MAX * sizeof(KnTraceRecord)) <= largest_order);

enum class Phase : u8 { none, starting, running, stopping, stopped, ending };

struct Session {
    Phase phase{};
    Actor* owner{}; // of the rings; null: there are none
    u64 ended{};    // when it was stopped
};
Guarded<Rank::trace, Session> session;

// Of who has brought the session to `starting` or `ending`; read by those who find it running or later.
struct Rings {
    unsigned order{};
    unsigned count{}; // CPUs that have one
    u32 run{};
    std::array<PhysAddr, max_cpus> place{};
};
Rings rings;

CallEntry untraced_entry;

// From one of two phases; false: it is in another one.
[[nodiscard]] bool advance(Phase from, Phase or_from, Phase to) {
    return session.with([&](Session& now) {
        if (now.phase != from && now.phase != or_from) return false;
        now.phase = to;
        return true;
    });
}

void settle_phase(Phase phase, Actor* owner) {
    session.with([&](Session& now) { now = {phase, owner, machine::now()}; });
}

[[nodiscard]] Actor* owner_now() {
    return session.with([](Session& now) { return now.owner; });
}

// No CPU records any more.
void unwrap() {
    if constexpr (machine::traced_gate != nullptr) wrap_calls(nullptr);
}

// Nobody reads or writes them any more.
void give_back_rings() {
    Actor* const owner = owner_now();
    while (rings.count != 0) {
        owner->space.account().give_back(rings.place[--rings.count], rings.order);
        machine::interrupt_window();
    }
}

[[nodiscard]] Status take_rings(Actor& owner) {
    while (rings.count != cpu_count()) {
        const Result<PhysAddr> place = owner.space.account().take(rings.order);
        if (!place.ok()) return place.status();
        rings.place[rings.count++] = place.value();
        machine::interrupt_window();
    }
    return Status::ok;
}

// ---- traceStart ------------------------------------------------------------------------------------------

void finish(Thread& self, long result) {
    self.clear(flag_finishing);
    self.frame.set_result(result);
    settle(self);
}

// Those that come meanwhile are told by who makes them.
void tell_actors(Thread& self) {
    for (unsigned i = 0; i < actors_at_once && self.work.done < actor_limit; ++i) {
        if (Actor* const actor = actor_at(static_cast<unsigned>(self.work.done++))) note_actor(*actor);
    }
    if (self.work.done < actor_limit) {
        self.continuation = tell_actors;
        return;
    }
    settle_phase(Phase::running, self.actor);
    finish(self, K_OK);
}

void start_visit(Thread&) {
    const CpuIndex cpu = this_cpu().index;
    start_recording(rings.run, machine::direct<KnTraceRecord>(rings.place[cpu]),
                    order_bytes(rings.order) / sizeof(KnTraceRecord));
}

void begin_recording(Thread& self) {
    give_back_rings();
    rings.order = static_cast<unsigned>(self.work.size);
    session.with([&](Session& now) { now.owner = self.actor; });
    if (const Status status = take_rings(*self.actor); status != Status::ok) {
        give_back_rings();
        settle_phase(Phase::none, nullptr);
        return finish(self, static_cast<long>(status));
    }
    rings.run += 1 + static_cast<u32>(rings.run == ~u32{0}); // never 0
    self.work.done = 0;
    if constexpr (machine::traced_gate != nullptr) wrap_calls(machine::traced_gate);
    tour(self, start_visit, [](Thread& asker, long) { wake_with(asker, tell_actors); });
}

void stop_visit(Thread&) { stop_recording(untraced_entry); }

} // namespace

void use_untraced_entry(CallEntry entry) {
    untraced_entry = entry;
    machine::use_call_entry(entry);
}

long start_trace(Thread& self, unsigned records) {
    if (records > K_TRACE_RECORDS_MAX) return K_EINVAL;
    if (!advance(Phase::none, Phase::stopped, Phase::starting)) return K_EBUSY;
    u64 count = std::bit_ceil(u64{records == 0 ? K_TRACE_RECORDS : records});
    if (count < least_records) count = least_records;
    self.work.size = order_for(count * sizeof(KnTraceRecord));
    self.set(flag_finishing);
    // Behind the tour nobody reads what the last trace has left.
    tour(self, [](Thread&) {}, [](Thread& asker, long) { wake_with(asker, begin_recording); });
    return no_result;
}

long stop_trace(Thread& self) {
    if (!advance(Phase::running, Phase::running, Phase::stopping)) return K_EUNKNOWN;
    self.set(flag_finishing);
    tour(self, stop_visit, [](Thread& asker, long) {
        wake_with(asker, [](Thread& mine) {
            unwrap();
            settle_phase(Phase::stopped, owner_now());
            finish(mine, K_OK);
        });
    });
    return no_result;
}

long read_trace(CpuIndex cpu, VirtAddr records, unsigned count) {
    if (cpu >= cpu_count()) return K_EINVAL;
    const Session now = session.with([](Session& there) { return there; });
    if (now.phase == Phase::none || now.phase == Phase::starting || now.phase == Phase::ending)
        return K_EUNKNOWN;
    VirtAddr to = records;
    const auto copy = [&](const KnTraceRecord* first, u64 part) {
        if (!machine::copy_out(to, first, part * sizeof *first)) return false;
        to = to + part * sizeof *first;
        return true;
    };
    const u64 most = count < most_read ? count : most_read;
    const int taken = trace_ring(cpu).take(most, now.phase == Phase::stopped ? now.ended : 0, copy);
    return taken < 0 ? K_EFAULT : taken;
}

[[nodiscard]] static bool settled(Phase phase) { return phase == Phase::running || phase == Phase::stopped; }

void end_trace_of(Thread& self, Actor& actor, void (*next)(Thread&), void (*again)(Thread&)) {
    const Phase phase = session.with([&](Session& now) {
        if (now.owner != &actor) return Phase::none;
        const Phase before = now.phase;
        if (settled(before)) now.phase = Phase::ending;
        return before;
    });
    if (phase == Phase::none) return next(self);
    if (!settled(phase)) return again(self); // another actor's thread is at it
    self.work.again = next;
    tour(self, stop_visit, [](Thread& asker, long) {
        wake_with(asker, [](Thread& mine) {
            unwrap();
            give_back_rings();
            settle_phase(Phase::none, nullptr);
            mine.work.again(mine);
        });
    });
}

TraceMemory trace_memory() { return {owner_now(), rings.order, rings.count, rings.place.data()}; }

} // namespace chorale
