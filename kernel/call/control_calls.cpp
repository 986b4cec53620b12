// Stopping, suspending and naming actors and threads; looking at them, and at ports.
#include "kernel/call/handlers.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/slab.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/user_access.hpp>

namespace chorale {

namespace {

// ---- work on each thread of an actor, one thread a step --------------------------------------------------

void begin_work(Thread& self, const Actor& actor, VirtAddr buffer, u64 entries) {
    self.work.target_actor = actor.capability;
    self.work.target = buffer;
    self.work.size = entries;
    self.work.done = 0;
    self.deletion_progress = 0;
    self.set(flag_finishing);
}

// The call is over; it may have been the last thing that its thread had to do.
void finish_work(Thread& self, long result) {
    self.clear(flag_finishing);
    self.frame.set_result(result);
    settle(self);
}

// No thread: there is none any more. Errors: unknown (the actor is gone).
[[nodiscard]] Result<FoundThread> next_of_work(Thread& self) {
    const Result<Actor*> actor = find_actor(self.work.target_actor);
    if (!actor.ok()) return actor.status();
    auto lid = static_cast<unsigned>(self.deletion_progress);
    const FoundThread found = next_thread(*actor.value(), lid);
    self.deletion_progress = lid;
    return found;
}

// One more entry of an array that the call fills as far as there is room.
template <class Entry>
[[nodiscard]] bool tell(Thread& self, const Entry& entry) {
    const u64 index = self.work.done++;
    return index >= self.work.size ||
           machine::copy_out(self.work.target + index * sizeof entry, &entry, sizeof entry);
}

// ---- actorStop, actorStart -------------------------------------------------------------------------------

// Each thread is visited after `stopped` was set: when two others stop and start an actor at once, its
// threads end up all alike.
void follow_step(Thread& self) {
    const Result<FoundThread> next = next_of_work(self);
    if (next.value().thread == nullptr) return finish_work(self, static_cast<long>(next.status()));
    const auto again = [](Thread& asker, long) { wake_with(asker, follow_step); };
    static_cast<void>(
        ask(self, *next.value().thread, next.value().serial, Operation{follow_actor_operation, {}, again}));
}

[[nodiscard]] long follow(Thread& self, calls::Cap capability, bool stopped) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (!may_change(self, *actor.value()) || actor.value() == &nucleus_actor()) return K_EPRIV;
    set_actor_stopped(*actor.value(), stopped);
    begin_work(self, *actor.value(), VirtAddr{}, 0);
    follow_step(self);
    return no_result;
}

// ---- actorStat, portStat, threadStat ---------------------------------------------------------------------

constexpr unsigned actors_at_once = 64;

void actors_step(Thread& self) {
    for (unsigned i = 0; i < actors_at_once && self.deletion_progress < actor_limit; ++i) {
        KnActorStat stat{};
        const auto index = static_cast<unsigned>(self.deletion_progress++);
        if (describe_actor_at(index, stat) && !tell(self, stat)) return finish_work(self, K_EFAULT);
    }
    if (self.deletion_progress < actor_limit) {
        self.continuation = actors_step;
    } else {
        finish_work(self, static_cast<long>(self.work.done));
    }
}

// Few, as each is some cache lines of its own and of its groups.
constexpr unsigned ports_at_once = 4;

// Places that nobody has used yet cost nothing.
void ports_step(Thread& self) {
    const Result<Actor*> actor = find_actor(self.work.target_actor);
    if (!actor.ok()) return finish_work(self, K_EUNKNOWN);
    for (unsigned i = 0; i < ports_at_once; ++i) {
        KnPortStat stat{};
        auto li = static_cast<unsigned>(self.deletion_progress);
        const bool found = describe_next_port(*actor.value(), li, stat);
        self.deletion_progress = li;
        if (!found) return finish_work(self, static_cast<long>(self.work.done));
        if (!tell(self, stat)) return finish_work(self, K_EFAULT);
    }
    self.continuation = ports_step;
}

void threads_step(Thread& self);

// In the caller's own space again. A thread that ended before it was asked is left out.
void tell_step(Thread& self) {
    if (self.question.result >= 0 && !tell(self, unpack_statistics(self.question.result)))
        return finish_work(self, K_EFAULT);
    threads_step(self);
}

void threads_step(Thread& self) {
    const Result<FoundThread> next = next_of_work(self);
    if (!next.ok()) return finish_work(self, K_EUNKNOWN);
    if (next.value().thread == nullptr) return finish_work(self, static_cast<long>(self.work.done));
    const auto answered = [](Thread& asker, long result) {
        asker.question.result = result;
        wake_with(asker, tell_step);
    };
    static_cast<void>(
        ask(self, *next.value().thread, next.value().serial, Operation{statistics_operation, {}, answered}));
}

// ---- threadContext ---------------------------------------------------------------------------------------

constinit Cache<ContextExchange> exchanges{"contexts"};

[[nodiscard]] std::size_t size_of(unsigned type) {
    return type == K_CURRCTX ? sizeof(KnThreadCtx) : sizeof(u64[K_NBPRIVDATA]);
}

void end_exchange(Thread& self) {
    ContextExchange& exchange = *self.control.exchange;
    self.control.exchange = nullptr;
    long result = self.question.result;
    if (result == K_OK && exchange.get &&
        !machine::copy_out(self.work.target, &exchange.old_values, size_of(exchange.type))) {
        result = K_EFAULT;
    }
    const bool own_registers =
        result == K_OK && exchange.set && exchange.type == K_CURRCTX && self.question.target == &self;
    exchanges.destroy(&exchange);
    // A thread that has set its own registers goes on with them.
    finish_work(self, own_registers ? static_cast<long>(self.frame.result()) : result);
}

// What the arguments say; the new values are in it.
[[nodiscard]] Result<ContextExchange*> begin_exchange(unsigned type, VirtAddr old_at, VirtAddr new_at) {
    const Result<ContextExchange*> made = exchanges.make();
    if (!made.ok()) return made;
    ContextExchange& exchange = *made.value();
    exchange.type = type;
    exchange.get = old_at.raw() != 0;
    exchange.set = new_at.raw() != 0;
    // Before anything is set: can the old values be delivered?
    const bool deliverable = !exchange.get || machine::copy_out(old_at, &exchange.old_values, size_of(type));
    if (deliverable && (!exchange.set || machine::copy_in(&exchange.new_values, new_at, size_of(type))))
        return made;
    exchanges.destroy(&exchange);
    return Status::fault;
}

[[nodiscard]] long hold_thread(Thread& self, calls::Cap actor, KnThreadLid lid, Hold how) {
    return ask_thread(self, actor, lid, Operation{hold_operation, {static_cast<u64>(how)}}, Access::change);
}

} // namespace

namespace calls {

// ---- actors ------------------------------------------------------------------------------------

long actorPrivilege(Thread& self, Cap capability, UserOutOpt<KnActorPrivilege> old_privilege,
                    UserInOpt<KnActorPrivilege> new_privilege) {
    const Result<Actor*> found = actor_of(self, capability);
    if (!found.ok()) return static_cast<long>(found.status());
    Actor& actor = *found.value();
    const KnActorPrivilege now = actor.privilege;
    KnActorPrivilege wanted = now;
    if (new_privilege.given()) {
        const Result<KnActorPrivilege> read = new_privilege.read();
        if (!read.ok()) return K_EFAULT;
        wanted = read.value();
        if (wanted > K_SYSTEMACTOR) return K_EINVAL;
        if (!trusted(self) || &actor == &nucleus_actor()) return K_EPRIV;
        // A supervisor actor is one for life.
        if (wanted != now && (wanted == K_SUPACTOR || now == K_SUPACTOR)) return K_EINVAL;
    }
    if (old_privilege.given() && old_privilege.write(now) != Status::ok) return K_EFAULT;
    if (new_privilege.given()) actor.privilege.store(wanted);
    return K_OK;
}

long actorStop(Thread& self, Cap actor) { return follow(self, actor, true); }
long actorStart(Thread& self, Cap actor) { return follow(self, actor, false); }

long actorStat(Thread& self, unsigned int options, UserBytesOut stat, unsigned int size) {
    if (options != 0) return K_EINVAL;
    begin_work(self, *self.actor, stat.address, size / sizeof(KnActorStat));
    actors_step(self);
    return no_result;
}

// ---- ports -------------------------------------------------------------------------------------

long portStat(Thread& self, Cap capability, unsigned int options, UserBytesOut stat, unsigned int size) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (options != 0) return K_EINVAL;
    begin_work(self, *actor.value(), stat.address, size / sizeof(KnPortStat));
    ports_step(self);
    return no_result;
}

// ---- threads -----------------------------------------------------------------------------------

long threadStop(Thread& self, Cap actor, KnThreadLid lid) {
    return hold_thread(self, actor, lid, Hold::stop);
}

long threadStart(Thread& self, Cap actor, KnThreadLid lid) {
    return hold_thread(self, actor, lid, Hold::start);
}

long threadSuspend(Thread& self, Cap actor, KnThreadLid lid) {
    return hold_thread(self, actor, lid, Hold::suspend);
}

long threadResume(Thread& self, Cap actor, KnThreadLid lid) {
    return hold_thread(self, actor, lid, Hold::resume);
}

long threadName(Thread& self, Cap capability, KnThreadLid lid, UserBytesOut old_name, UserText new_name) {
    const Result<Actor*> actor = thread_actor_of(self, capability, lid);
    if (!actor.ok()) return static_cast<long>(actor.status());
    char name[K_THREADNAMEMAX]{}, old[K_THREADNAMEMAX];
    if (new_name.given()) {
        const Result<std::size_t> length = new_name.read(name, sizeof name);
        if (length.status() == Status::fault) return K_EFAULT;
        name[length.ok() ? length.value() : sizeof name - 1] = '\0';
    }
    // The lock keeps the thread, which leaves the table before its memory is another's.
    const auto with_name = [&](auto action) {
        return actor.value()->tables.with([&](Actor::Tables& tables) -> Status {
            if (lid <= 0 || lid >= static_cast<KnThreadLid>(Actor::thread_limit)) return Status::invalid;
            Thread* const thread = tables.threads[static_cast<unsigned>(lid)];
            if (thread == nullptr) return Status::invalid;
            action(thread->control.name);
            return Status::ok;
        });
    };
    const Status read = with_name([&](const char* from) { __builtin_memcpy(old, from, sizeof old); });
    if (read != Status::ok) return static_cast<long>(read);
    if (old_name.address.raw() != 0 && !machine::copy_out(old_name.address, old, sizeof old)) return K_EFAULT;
    if (!new_name.given()) return K_OK;
    return static_cast<long>(with_name([&](char* to) { __builtin_memcpy(to, name, sizeof name); }));
}

long threadContext(Thread& self, Cap capability, KnThreadLid lid, unsigned int type, UserBytesOut old_context,
                   UserBytesIn new_context) {
    const Result<Actor*> actor = thread_actor_of(self, capability, lid);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (type > K_USERPRIV) return K_EINVAL;
    const bool change = new_context.address.raw() != 0;
    if (change && !may_change(self, *actor.value())) return K_EPRIV;
    if (change && type == K_SUPPRIV && !trusted(self)) return K_EPRIV;
    const Result<FoundThread> found = find_thread(*actor.value(), lid);
    if (!found.ok()) return static_cast<long>(found.status());
    const Result<ContextExchange*> exchange = begin_exchange(type, old_context.address, new_context.address);
    if (!exchange.ok()) return static_cast<long>(exchange.status());
    begin_work(self, *self.actor, old_context.address, 0);
    self.control.exchange = exchange.value();
    exchange.value()->trusted = trusted(self);
    const auto answered = [](Thread& asker, long result) {
        asker.question.result = result;
        wake_with(asker, end_exchange);
    };
    const u64 argument = reinterpret_cast<u64>(exchange.value());
    return ask(self, *found.value().thread, found.value().serial,
               Operation{context_operation, {argument}, answered});
}

long threadStat(Thread& self, Cap capability, unsigned int options, UserBytesOut stat, unsigned int size) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (options != 0) return K_EINVAL;
    begin_work(self, *actor.value(), stat.address, size / sizeof(KnThreadStat));
    threads_step(self);
    return no_result;
}

// ---- software registers ------------------------------------------------------------------------

namespace {

[[nodiscard]] u64& software_register(Thread& self, unsigned int slot) {
    return self.control.registers[in_supervisor_mode(self) ? 1 : 0][slot % K_NBPRIVDATA];
}

} // namespace

long threadPrivateLoad(Thread& self, unsigned int slot) {
    return static_cast<long>(software_register(self, slot));
}

long threadPrivateStore(Thread& self, unsigned int slot, long value) {
    software_register(self, slot) = static_cast<u64>(value);
    return value;
}

} // namespace calls
} // namespace chorale
