// Virtual timeouts.
#include "kernel/call/handlers.hpp"
#include "kernel/core/cpu_time.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/lap/lap.hpp"
#include "kernel/time/time_value.hpp"
#include "kernel/time/virtual_timeout.hpp"

namespace chorale {

namespace {

// From the arguments of either call. Errors: fault, invalid, no_memory.
[[nodiscard]] Result<VirtualTimeout*> read_setting(VmAddr address, UserIn<KnTimeVal> cpu_time, int flag,
                                                   UserIn<KnLapDesc> lap_at) {
    const Result<KnTimeVal> value = cpu_time.read();
    const Result<KnLapDesc> lap = lap_at.read();
    if (!value.ok() || !lap.ok()) return Status::fault;
    const Result<u64> span = nanoseconds_of(value.value());
    const bool kind = flag == K_VTIME_INTERNAL || flag == K_VTIME_TOTAL;
    if (!span.ok() || !kind || address == 0 || !lap_lives(lap.value())) return Status::invalid;
    return make_virtual_timeout({address, span.value(), flag == K_VTIME_TOTAL, lap.value()});
}

[[nodiscard]] VirtualTimeout& carried(u64 word) { return *reinterpret_cast<VirtualTimeout*>(word); }

[[nodiscard]] long arm_operation(Thread& target, const Question& question) {
    return static_cast<long>(arm_virtual(target, carried(question.argument[0])));
}
[[nodiscard]] long cancel_operation(Thread& target, const Question& question) {
    return static_cast<long>(cancel_virtual(target, question.argument[0]));
}

// ---- of an actor: all its threads are metered, one a step; then it is armed; then each CPU looks ---
//
// work.target_actor: whose; size: the timeout; deletion_progress: the next local id.

void end_setting(Thread& self, long result) {
    self.clear(flag_finishing);
    self.frame.set_result(result);
    settle(self);
}

void give_up_setting(Thread& self, Status status) {
    throw_away(carried(self.work.size));
    end_setting(self, static_cast<long>(status));
}

void all_metered(Thread& self, Actor& actor) {
    if (const Status status = arm_virtual(actor, carried(self.work.size)); status != Status::ok) {
        give_up_setting(self, status);
        return;
    }
    tour(
        self,
        [](Thread&) {
            PerCpu& cpu = this_cpu();
            if (cpu.meter.of != nullptr && cpu.meter.of->has(flag_metered)) watch_limit(cpu, *cpu.meter.of);
        },
        [](Thread& asker, long) { wake_with(asker, [](Thread& again) { end_setting(again, K_OK); }); });
}

void meter_step(Thread& self) {
    const Result<Actor*> actor = find_actor(self.work.target_actor);
    if (!actor.ok()) {
        give_up_setting(self, actor.status());
        return;
    }
    unsigned lid = static_cast<unsigned>(self.deletion_progress);
    const FoundThread found = next_thread(*actor.value(), lid, nullptr);
    self.deletion_progress = lid;
    if (found.thread == nullptr) {
        all_metered(self, *actor.value());
        return;
    }
    const auto next = [](Thread& asker, long) { wake_with(asker, meter_step); };
    static_cast<void>(ask(self, *found.thread, found.serial, Operation{times_operation, {}, next}));
}

} // namespace

namespace calls {

long virtualTimeGetRes(Thread& self, UserOut<KnTimeVal> resolution) {
    return sysTimeGetRes(self, resolution);
}

long svThreadVirtualTimeoutSet(Thread& self, Cap capability, KnThreadLid lid, VmAddr address,
                               UserIn<KnTimeVal> cpu_time, int flag, UserIn<KnLapDesc> lap) {
    const Result<FoundThread> found = thread_of(self, capability, lid);
    if (!found.ok()) return static_cast<long>(found.status());
    const Result<VirtualTimeout*> timeout = read_setting(address, cpu_time, flag, lap);
    if (!timeout.ok()) return static_cast<long>(timeout.status());
    const auto finish = [](Thread& asker, long result) {
        if (result != K_OK) throw_away(carried(asker.question.argument[0]));
        wake(asker, result);
    };
    return ask(self, *found.value().thread, found.value().serial,
               Operation{arm_operation, {reinterpret_cast<u64>(timeout.value())}, finish});
}

long svThreadVirtualTimeoutCancel(Thread& self, Cap capability, KnThreadLid lid, VmAddr address) {
    const Result<FoundThread> found = thread_of(self, capability, lid);
    if (!found.ok()) return static_cast<long>(found.status());
    return ask(self, *found.value().thread, found.value().serial, Operation{cancel_operation, {address}});
}

long svActorVirtualTimeoutSet(Thread& self, Cap capability, VmAddr address, UserIn<KnTimeVal> cpu_time,
                              int flag, UserIn<KnLapDesc> lap) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const Result<VirtualTimeout*> timeout = read_setting(address, cpu_time, flag, lap);
    if (!timeout.ok()) return static_cast<long>(timeout.status());
    actor.value()->virtual_time.metered.store(true); // threads to come
    self.work.target_actor = actor.value()->capability;
    self.work.size = reinterpret_cast<u64>(timeout.value());
    self.deletion_progress = 1;
    self.set(flag_finishing);
    meter_step(self);
    return no_result;
}

long svActorVirtualTimeoutCancel(Thread& self, Cap capability, VmAddr address) {
    const Result<Actor*> actor = actor_of(self, capability);
    return static_cast<long>(actor.ok() ? cancel_virtual(*actor.value(), address) : actor.status());
}

} // namespace calls
} // namespace chorale
