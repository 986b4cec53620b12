#include "tests/equivalence/world.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"

namespace chorale::equivalence {

using namespace host;

u64 Doer::chance() const {
    u64 value = world.plan.seed << 24 ^ u64 { thread } << 16 ^ u64 { op } << 8 ^ step;
    for (int round = 0; round < 2; ++round) value = (value ^ value >> 29) * 0xbf58'476d'1ce4'e5b9;
    return value ^ value >> 32;
}

void Doer::tell(const char* what, long result, u64 first, u64 second, u64 digest) const {
    world.log.add({thread, op, what, result, first, second, digest});
}

namespace {

// ---- ports, groups, threads ------------------------------------------------------------------------------

[[nodiscard]] Task<void> create_port_in(Doer doer, u8 place) {
    World& world = doer.world;
    Slot& slot = world.ports[place];
    if (slot.li >= 0) co_return;
    KnUniqueId name{};
    const unsigned actor = world.plan.threads[doer.thread].actor;
    const long li = co_await create_port({}, name);
    doer.tell("portCreate", li, world.log.number_of(name));
    if (li >= 0 && slot.li < 0) slot = {name, actor, li};
}

[[nodiscard]] Task<long> on_port(World& world, Call number, Slot slot, int priority) {
    Local<KnCap> owner;
    co_await owner.set(world.actors[slot.actor]);
    co_return co_await call(number, owner.at(), slot.li, priority);
}

[[nodiscard]] Task<void> migrate_port(Doer doer, Op op) {
    World& world = doer.world;
    const Slot slot = world.ports[op.a];
    Local<KnCap> from, to;
    Local<KnEvtNum> received;
    co_await from.set(world.actors[slot.actor]);
    co_await to.set(world.actors[op.b]);
    const long li = co_await call(Call::portMigrate, op.c == 0 ? K_WITHOUTMSG : K_WITHMSG, from.at(), slot.li,
                                  to.at(), received.at());
    doer.tell("portMigrate", li, li > 0 ? u64{co_await received.get()} : 0);
    if (li > 0) world.ports[op.a] = {slot.name, op.b, li};
}

[[nodiscard]] Task<void> use_port(Doer doer, Op op) {
    World& world = doer.world;
    const Slot slot = world.ports[op.a];
    if (op.kind == Kind::delete_port) world.ports[op.a].li = -1;
    const Call number = op.kind == Kind::delete_port   ? Call::portDelete
                        : op.kind == Kind::enable_port ? Call::portEnable
                                                       : Call::portDisable;
    doer.tell("portDelete, portEnable, portDisable", co_await on_port(world, number, slot, op.b));
}

[[nodiscard]] Task<void> change_group(Doer doer, Op op) {
    Local<KnCap> group;
    Local<KnUniqueId> port;
    co_await group.set(doer.world.groups[op.b]);
    co_await port.set(doer.world.ports[op.a].name);
    const Call number = op.kind == Kind::join_group ? Call::grpPortInsert : Call::grpPortRemove;
    doer.tell("grpPortInsert, grpPortRemove", co_await call(number, group.at(), port.at()));
}

[[nodiscard]] Call call_on_thread(Kind kind) {
    switch (kind) {
    case Kind::abort:
        return Call::threadAbort;
    case Kind::kill_thread:
        return Call::threadDelete;
    case Kind::suspend:
        return Call::threadSuspend;
    default:
        return Call::threadResume;
    }
}

[[nodiscard]] Task<void> use_thread(Doer doer, Op op) {
    World& world = doer.world;
    Local<KnCap> owner;
    Local<KnFifoThParms> scheduling;
    co_await owner.set(world.actors[world.plan.threads[op.a].actor]);
    co_await scheduling.set({K_SCHED_FIFO, op.size});
    const long lid = world.lids[op.a];
    long result = 0;
    if (op.kind == Kind::bind) {
        result = co_await call(Call::threadBind, owner.at(), lid, op.b, 0, K_NONEXCLUSIVE);
    } else if (op.kind == Kind::priority) {
        result = co_await call(Call::threadScheduler, owner.at(), lid, 0, scheduling.at());
    } else {
        result = co_await call(call_on_thread(op.kind), owner.at(), lid);
    }
    doer.tell("threadBind, threadScheduler, threadAbort, ...", result);
}

[[nodiscard]] Task<void> save_or_restore(Doer doer, Op op) {
    long& place = doer.world.saved[op.a];
    if (op.kind == Kind::save) {
        const long id = co_await call(Call::ipcSave, K_NONEPORT);
        doer.tell("ipcSave", id);
        if (id > 0) place = id;
    } else {
        doer.tell("ipcRestore", co_await call(Call::ipcRestore, place));
    }
}

[[nodiscard]] Task<void> rest(Doer doer, Op op) {
    if (op.kind == Kind::fpu) {
        u64* const registers = co_await use_fpu();
        ++registers[doer.thread % 8];
    } else if (op.kind == Kind::pause) {
        co_await pause();
    } else if (op.kind == Kind::kill_actor) {
        doer.tell("actorDelete", co_await delete_actor(doer.world.actors[op.a]));
    } else if (op.bit == no_limit) {
        doer.tell("threadDelay", co_await call(Call::threadDelay, 0));
    } else {
        doer.tell("threadDelay", co_await sleep((limit_unit << op.bit) * 1'000'000));
    }
}

// long: a case for each kind
[[nodiscard]] Task<void> perform(Doer doer, Op op) {
    switch (op.kind) {
    case Kind::call:
        return call_words(doer, op);
    case Kind::call_message:
        return call_message(doer, op);
    case Kind::send:
        return send(doer, op);
    case Kind::receive:
        return receive(doer, op);
    case Kind::reply_receive:
        return reply_receive(doer, op);
    case Kind::serve:
        return serve(doer, op);
    case Kind::reply:
        return reply(doer, op);
    case Kind::get_data:
        return get_data(doer, op);
    case Kind::look:
        return look(doer);
    case Kind::save:
    case Kind::restore:
        return save_or_restore(doer, op);
    case Kind::create_port:
        return create_port_in(doer, op.a);
    case Kind::migrate_port:
        return migrate_port(doer, op);
    case Kind::delete_port:
    case Kind::enable_port:
    case Kind::disable_port:
        return use_port(doer, op);
    case Kind::join_group:
    case Kind::leave_group:
        return change_group(doer, op);
    case Kind::abort:
    case Kind::kill_thread:
    case Kind::suspend:
    case Kind::resume:
    case Kind::bind:
    case Kind::priority:
        return use_thread(doer, op);
    default:
        return rest(doer, op);
    }
}

[[nodiscard]] Task<void> run_thread(World& world, unsigned index) {
    const std::vector<Op>& ops = world.plan.threads[index].ops;
    for (unsigned i = 0; i < ops.size(); ++i) {
        // The thread's priority at the beginning of each operation: who lends what to whom.
        const Thread& self = *chorale::this_cpu().current;
        world.log.add({index, i, "begins", self.priority, self.base_priority, 0, 0});
        co_await perform({world, index, i}, ops[i]);
    }
    world.log.add({index, 0, "ends", 0, 0, 0, 0});
}

// ---- the whole program -----------------------------------------------------------------------------------

[[nodiscard]] Task<void> make_actor(World& world) {
    Local<KnCap> owner;
    Local<KnRgnDesc> region;
    const KnCap actor = co_await create_actor();
    KnRgnDesc wanted{};
    wanted.startAddr = areas.raw();
    wanted.size = 2 * area_size * world.plan.threads.size();
    wanted.options = K_WRITABLE | K_FILLZERO;
    co_await owner.set(actor);
    co_await region.set(wanted);
    const long result = co_await call(Call::rgnAllocate, owner.at(), region.at());
    world.log.add({0, 0, "rgnAllocate", result, 0, 0, 0});
    world.actors.push_back(actor);
}

[[nodiscard]] Task<void> make_everything(World& world) {
    for (unsigned i = 0; i < world.plan.actors; ++i) co_await make_actor(world);
    for (unsigned i = 0; i < world.plan.ports.size(); ++i) {
        Slot& slot = world.ports[i];
        slot.actor = world.plan.ports[i];
        slot.li = co_await create_port(world.actors[slot.actor], slot.name);
        if (i % 2 == 0)
            world.log.add({0, 0, "portEnable", co_await on_port(world, Call::portEnable, slot, 1), 0, 0, 0});
    }
    Local<KnCap> group;
    for (KnCap& made : world.groups) {
        world.log.add(
            {0, 0, "grpAllocate", co_await call(Call::grpAllocate, K_DYNAMIC, group.at(), 0), 0, 0, 0});
        made = co_await group.get();
    }
    for (unsigned i = 0; i < world.plan.threads.size(); ++i) {
        const ThreadPlan& thread = world.plan.threads[i];
        // What runs already may have killed the actor.
        world.lids[i] =
            co_await start_thread(world.actors[thread.actor],
                                  [&world, i](u64) { return run_thread(world, i); }, {0, thread.priority, i});
        world.log.add({i, 0, "threadCreate", world.lids[i], 0, 0, 0});
    }
}

// What is left when nothing happens any more: who waits for what, what lies in queues, what was counted.
void tell_rest(World& world) {
    for (unsigned i = 0; i < world.actors.size(); ++i) {
        const Result<Actor*> actor = find_actor(world.actors[i]);
        world.log.add({i, 0, "actor", actor.ok() ? 1 : 0, 0, 0, 0});
        if (!actor.ok()) continue;
        actor.value()->tables.with([&](Actor::Tables& tables) {
            u64 calls = tables.past.ipcCalls;
            for (const Thread* const thread : tables.known_threads()) {
                if (thread == nullptr) continue;
                calls += thread->exchanges.load() - thread->accounts.first_exchange;
                world.log.add({i, static_cast<unsigned>(thread->lid), "thread",
                               static_cast<long>(thread->doing()), thread->priority, thread->base_priority,
                               0});
            }
            world.log.add({i, 0, "calls", static_cast<long>(calls), 0, 0, 0});
            for (Port* const port : tables.known_ports()) {
                if (port == nullptr) continue;
                world.log.add({i, static_cast<unsigned>(port->li.load()), "port", port->queued.load(),
                               port->slot(0).received.load(), world.log.number_of(port->ui), 0});
            }
        });
    }
}

} // namespace

Task<void> carry_out(World& world) {
    world.lids.assign(world.plan.threads.size(), -1);
    co_await make_everything(world);
    // All time limits are shorter, even one after the other.
    static_cast<void>(co_await sleep(longest_limits * 1'000'000));
    tell_rest(world);
    for (unsigned i = 0; i < world.actors.size(); ++i)
        world.log.add({i, 0, "actorDelete", co_await delete_actor(world.actors[i]), 0, 0, 0});
    static_cast<void>(co_await sleep(longest_limits * 1'000'000));
    world.log.add(
        {0, 0, "left", static_cast<long>(live_messages()), live_threads(), live_ports(), live_actors()});
}

} // namespace chorale::equivalence
