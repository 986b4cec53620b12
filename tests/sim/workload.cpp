#include "tests/sim/workload.hpp"

#include "arch/host/lockstep.hpp"
#include "arch/host/session.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/region.hpp"
#include "tests/sim/world.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace chorale::sim {

using namespace host;

namespace {

constexpr u64 look = 1'000'000; // nanoseconds between two looks whether all is quiet
constexpr unsigned spawn_limit = 6;
constexpr unsigned longest_wait = 400; // looks

std::unique_ptr<World> present;
void (*operation_listener)(unsigned, const Op&);

struct Living {
    u64 actors, threads, ports, messages, regions;
    friend bool operator==(const Living&, const Living&) = default;
};

[[nodiscard]] Living living() {
    return {live_actors(), live_threads(), live_ports(), live_messages(), live_regions()};
}

[[nodiscard]] KnCap actor_of(unsigned thread) { return world().actors[world().plan.threads[thread].actor]; }

// Calls that take a capability and a thread.
[[nodiscard]] Task<long> on_thread(Call number, unsigned thread) {
    Local<KnCap> owner;
    co_await owner.set(actor_of(thread));
    co_return co_await call(number, owner.at(), world().lids[thread]);
}

[[nodiscard]] Task<void> bind(unsigned self, Op op) {
    const unsigned thread = op.a < world().plan.threads.size() ? op.a : self;
    const KnCpuId cpu = op.kind == Kind::unbind ? K_ANYCPU : KnCpuId{op.b};
    world().moved[thread] = true;
    // Whom a local id means by now is not known.
    if (thread != self) world().bound.assign(world().bound.size(), nowhere);
    world().bound[self] = nowhere;
    const u32 before = ++world().binds;
    const bool alone = ++world().binding == 1;
    Local<KnCap> owner;
    co_await owner.set(actor_of(thread));
    const long result =
        co_await call(Call::threadBind, owner.at(), thread == self ? long{K_MYSELF} : world().lids[thread],
                      cpu, 0, K_NONEXCLUSIVE);
    expect("threadBind", self, result, {K_EINVAL, K_EUNKNOWN, K_EBUSY, K_ENOMEM});
    // By itself, and nobody else was about to bind anything.
    --world().binding;
    if (alone && result == K_OK && thread == self && world().binds == before && cpu != K_ANYCPU)
        world().bound[thread] = cpu;
}

// Who is bound is not taken to another CPU.
[[nodiscard]] Task<void> check_place(unsigned self) {
    const u32 wanted = world().bound[self];
    if (wanted == nowhere) co_return;
    const long cpu = co_await call(Call::cpuSelf);
    if (world().bound[self] == wanted && cpu != long{wanted})
        failed(fmt::format("thread {} is bound to CPU {} and runs on {}", self, wanted, cpu));
}

[[nodiscard]] Task<void> hold(unsigned self, Op op) {
    constexpr Call first[] = {Call::threadStop,   Call::threadStart, Call::threadSuspend,
                              Call::threadResume, Call::threadStop,  Call::threadSuspend};
    constexpr Call second[] = {Call::threadStart, Call::threadResume};
    expect("holding", self, co_await on_thread(first[op.b], op.a), {K_EINVAL, K_EUNKNOWN});
    if (op.b >= 4)
        expect("letting go", self, co_await on_thread(second[op.b - 4], op.a), {K_EINVAL, K_EUNKNOWN});
}

[[nodiscard]] Task<void> set_priority(unsigned self, Op op) {
    Local<KnCap> owner;
    Local<KnThreadDefSched> wanted;
    co_await owner.set(actor_of(op.a));
    // Quanta short enough to end in a run.
    co_await wanted.set({op.b, op.b == K_SCHED_RT ? 255 - op.value : op.value, {0, 2000}});
    expect("threadScheduler", self,
           co_await call(Call::threadScheduler, owner.at(), world().lids[op.a], 0, wanted.at()),
           {K_EINVAL, K_EUNKNOWN});
}

[[nodiscard]] Task<void> make_port(unsigned self, Op op) {
    Slot& slot = world().slots[op.a];
    if (slot.li >= 0) co_return;
    KnUniqueId name{};
    const long li = co_await create_port({}, name);
    expect("portCreate", self, li, {K_ENOMEM, K_EFULL, K_EUNKNOWN});
    if (li >= 0 && slot.li < 0) slot = {name, world().plan.threads[self].actor, li};
}

[[nodiscard]] Task<void> remove_port(unsigned self, Op op) {
    const Slot slot = world().slots[op.a];
    if (slot.li < 0) co_return;
    world().slots[op.a].li = -1;
    Local<KnCap> owner;
    co_await owner.set(world().actors[slot.actor]);
    expect("portDelete", self, co_await call(Call::portDelete, owner.at(), slot.li), {K_EINVAL, K_EUNKNOWN});
}

[[nodiscard]] Task<void> enable(unsigned self, Op op) {
    const Slot slot = world().slots[op.a];
    if (slot.li < 0) co_return;
    Local<KnCap> owner;
    co_await owner.set(world().actors[slot.actor]);
    expect("portEnable", self, co_await call(Call::portEnable, owner.at(), slot.li, op.b),
           {K_EINVAL, K_EUNKNOWN});
}

[[nodiscard]] Task<void> kill_actor(unsigned self, Op op) {
    world().killing = true;
    expect("actorDelete", self, co_await delete_actor(world().actors[op.a]), {K_EUNKNOWN, K_EBUSY});
}

[[nodiscard]] Task<void> work(Op op) {
    for (unsigned left = op.b; left > 0; --left) co_await pause();
}

[[nodiscard]] Task<void> act_on_thread(unsigned self, Op op) {
    const Call number = op.kind == Kind::abort ? Call::threadAbort : Call::threadDelete;
    world().killing |= op.kind == Kind::kill_thread;
    expect("threadAbort or threadDelete", self, co_await on_thread(number, op.a),
           {K_EINVAL, K_EUNKNOWN, K_EBUSY});
}

// Memory of dead threads is used again while others still mean the old ones.
[[nodiscard]] Task<void> spawn(unsigned self, Op op) {
    if (++world().spawned > spawn_limit) co_return;
    World& all = world();
    const ThreadPlan copy = all.plan.threads[op.a];
    const auto index = static_cast<unsigned>(all.plan.threads.size());
    all.plan.threads.push_back(copy);
    all.lids.push_back(-1);
    all.moved.push_back(false);
    all.bound.push_back(nowhere);
    all.counters.push_back(0);
    const ThreadSettings settings{copy.cpu, copy.priority, index};
    const long made =
        co_await start_thread(actor_of(index), [index](u64) { return run_thread(index); }, settings);
    expect("threadCreate", self, made, {K_EUNKNOWN, K_EINVAL});
    if (made > 0) all.lids[op.a] = all.lids[index] = made;
}

// long: a case for each kind
[[nodiscard]] Task<void> perform(unsigned self, Op op) {
    switch (op.kind) {
    case Kind::create_port:
        return make_port(self, op);
    case Kind::delete_port:
        return remove_port(self, op);
    case Kind::serve:
        return serve(self, op);
    case Kind::call:
        return call_words(self, op);
    case Kind::call_large:
        return call_large(self, op);
    case Kind::send:
        return send(self, op);
    case Kind::receive_any:
        return receive_any(self, op);
    case Kind::enable:
        return enable(self, op);
    case Kind::bind:
    case Kind::unbind:
        return bind(self, op);
    case Kind::hold:
        return hold(self, op);
    case Kind::abort:
    case Kind::kill_thread:
        return act_on_thread(self, op);
    case Kind::kill_actor:
        return kill_actor(self, op);
    case Kind::priority:
        return set_priority(self, op);
    case Kind::region:
        return use_region(self, op);
    case Kind::touch:
        return touch(self, op);
    case Kind::copy:
        return copy(self, op);
    case Kind::fpu:
        return use_fpu_registers(self, op);
    case Kind::delay:
        return [](u64 time) -> Task<void> { co_await sleep(time); }(op.value * 1000);
    case Kind::work:
        return work(op);
    case Kind::spawn:
        return spawn(self, op);
    case Kind::mutex:
        return use_mutex(self, op);
    case Kind::rt_mutex:
        return use_rt_mutexes(self, op);
    case Kind::semaphore:
        return use_sem(self, op);
    case Kind::events:
        return use_events(self, op);
    case Kind::monitor:
        return use_monitor(self, op);
    case Kind::meet:
        return meet(self, op);
    case Kind::yield:
        return [](u64) -> Task<void> { co_await call(Call::threadDelay, 0); }(0);
    }
    return work({});
}

// No CPU but this one has anything to do, and no clock runs that would give it something.
[[nodiscard]] bool quiet() {
    for (CpuIndex index = 0; index < chorale::cpu_count(); ++index) {
        const PerCpu& cpu = cpu_at(index);
        if (cpu.timers.earliest() != TimerQueue::never || cpu.top_ready != RunQueue::none ||
            cpu.inbox.rung() || cpu.inbox.overflows() || cpu.pending != 0)
            return false;
        // It may have nothing to run and yet be in the middle of a request.
        if (&cpu != &chorale::this_cpu() && !static_cast<Lockstep&>(engine()).halted(index)) return false;
    }
    return true;
}

[[nodiscard]] Task<void> until_quiet() {
    for (unsigned looks = 0; !quiet(); ++looks) {
        if (looks == longest_wait) failed("the machine never comes to rest");
        co_await sleep(look);
    }
}

// Everything rests: a message in a queue means that nobody waits for it.
void check_nobody_starves() {
    for (const KnCap& capability : world().actors) {
        const Result<Actor*> actor = find_actor(capability);
        if (!actor.ok()) continue;
        Actor::Tables* const tables = actor.value()->tables.with([](Actor::Tables& found) { return &found; });
        for (const Thread* const thread : tables->threads) {
            if (thread == nullptr || thread->doing() != Doing::receiving) continue;
            const bool any = thread->port == &null_port();
            if (!any && std::ranges::find(tables->ports, thread->port) == tables->ports.end())
                failed(fmt::format("thread {} waits on a port that is gone", thread->lid));
            for (const Port* const port : tables->ports) {
                if (port == nullptr || port->queued == 0) continue;
                const bool waits = thread->port == port || (thread->port == &null_port() && port->enabled);
                if (waits)
                    failed(fmt::format("lost wake-up: thread {} waits on port {} of {} messages", thread->lid,
                                       port->li, port->queued.load()));
            }
        }
    }
}

[[nodiscard]] Task<void> make_everything() {
    World& all = world();
    for (unsigned i = 0; i < all.plan.actors; ++i) {
        all.actors.push_back(co_await create_actor());
        if (all.actors.back().ui.uiHead == 0) failed("no memory for the actors of the plan");
    }
    co_await make_objects();
    const std::size_t planned = all.plan.threads.size(); // what runs already may add more
    for (unsigned i = 0; i < planned; ++i) {
        const ThreadPlan thread = all.plan.threads[i];
        const ThreadSettings settings{thread.cpu, thread.priority, i};
        // What runs already may have killed the actor.
        all.lids[i] =
            co_await start_thread(all.actors[thread.actor], [i](u64) { return run_thread(i); }, settings);
        expect("threadCreate", i, all.lids[i], {K_EUNKNOWN, K_EINVAL});
    }
}

} // namespace

World& world() { return *present; }

void set_operation_listener(void (*listener)(unsigned, const Op&)) { operation_listener = listener; }

void expect(std::string_view what, unsigned thread, long result, std::initializer_list<long> errors) {
    if (result >= 0 || std::ranges::find(errors, result) != errors.end()) return;
    failed(fmt::format("thread {}: {} returns {}", thread, what, result));
}

namespace {

void tell_threads_of(Actor& actor) {
    actor.tables.with([&](Actor::Tables& tables) {
        for (Thread* const thread : tables.threads) {
            if (thread == nullptr) continue;
            const auto [news, closed, lends] = thread->sync.loans.with([](Loans& loans) {
                return std::array<bool, 3>{loans.news, loans.closed, !loans.heap.empty()};
            });
            fmt::print("thread {} of actor {}: state {:#x}, cpu {}, priority {}; waits for {:#x}; loans:"
                       "{}{}{}{}\n",
                       thread->lid, actor.table_index, thread->state, thread->cpu.load(), thread->priority,
                       thread->sync.waiter.key.load(), news ? " news" : "", closed ? " closed" : "",
                       lends ? " some" : "", thread->victim != nullptr ? "; deletes an actor:" : "");
            if (thread->victim != nullptr) tell_threads_of(*thread->victim);
        }
    });
}

} // namespace

void tell_threads() {
    for (unsigned index = 0; index < actor_limit; ++index) {
        if (Actor* const actor = actor_at(index); actor != nullptr) tell_threads_of(*actor);
    }
}

Task<void> run_thread(unsigned index) {
    // A copy: the plan outlives the thread, but its vectors might be looked at meanwhile.
    const std::vector<Op> ops = world().plan.threads[index].ops;
    for (const Op& op : ops) {
        if (operation_listener != nullptr) operation_listener(index, op);
        co_await perform(index, op);
        co_await check_place(index);
    }
}

Task<void> carry_out(const Plan& plan) {
    const Living before = living();
    present = std::make_unique<World>();
    World& all = world();
    all.plan = plan;
    all.shared.resize(plan.actors);
    all.lids.assign(plan.threads.size(), -1);
    all.moved.assign(plan.threads.size(), false);
    all.bound.assign(plan.threads.size(), nowhere);
    all.counters.assign(plan.threads.size(), 0);
    co_await make_everything();
    // Who looks whether all is quiet must not be what others could take over.
    co_await call(Call::threadBind, 0, K_MYSELF, 0, 0, K_NONEXCLUSIVE);
    co_await until_quiet();
    check_nobody_starves();
    check_waits_at_rest();
    all.killing = true;
    for (const KnCap& actor : all.actors)
        expect("actorDelete", 0, co_await delete_actor(actor), {K_EUNKNOWN, K_EBUSY});
    co_await until_quiet();
    if (!(living() == before)) failed("something was left behind");
}

} // namespace chorale::sim
