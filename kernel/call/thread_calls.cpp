#include "kernel/call/handlers.hpp"
#include "kernel/call/wait_limit.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/sched/attributes.hpp"
#include "kernel/supervisor/handler.hpp"
#include "kernel/supervisor/system_stack.hpp"

#include <machine/mmu.hpp>
#include <machine/supervisor.hpp>
#include <machine/user_access.hpp>

namespace chorale {

namespace {

// In a supervisor actor threads run in supervisor mode, where their entry is trusted: only who is there
// already makes one.
[[nodiscard]] Status check_supervisor_start(const Thread& self, const KnDefaultStartInfo_f& start) {
    if (start.dsType != K_DEFAULT_START_INFO || start.dsPrivilege != K_SUPTHREAD) return Status::invalid;
    const bool place = start.dsEntry >= machine::supervisor_begin && start.dsEntry < machine::supervisor_end;
    if (!place || start.dsSystemStackSize > SystemStack::largest_size) return Status::invalid;
    return in_supervisor_mode(self) ? Status::ok : Status::privilege;
}

[[nodiscard]] Status check_start(const Thread& self, const Actor& actor, const KnDefaultStartInfo_f& start) {
    if (actor.privilege == K_SUPACTOR) return check_supervisor_start(self, start);
    const bool form = start.dsType == K_DEFAULT_START_INFO && start.dsPrivilege == K_USERTHREAD;
    const bool places = start.dsEntry >= page_size && start.dsEntry < machine::user_limit() &&
                        start.dsUserStackPointer <= machine::user_limit();
    return form && places ? Status::ok : Status::invalid;
}

} // namespace

Result<Actor*> actor_of(Thread& self, UserInOpt<KnCap> capability) {
    if (!capability.given()) return &execution_actor(self);
    const Result<KnCap> value = capability.read();
    if (!value.ok()) return value.status();
    return find_actor(value.value());
}

Result<Actor*> thread_actor_of(Thread& self, UserInOpt<KnCap> capability, KnThreadLid& lid) {
    const bool itself = lid == K_MYSELF && !capability.given();
    const Result<Actor*> actor = itself ? self.actor : actor_of(self, capability);
    if (lid == K_MYSELF && actor.ok() && actor.value() == self.actor) lid = self.lid;
    return actor;
}

bool trusted(const Thread& self) { return in_supervisor_mode(self) || self.actor->privilege != K_USERACTOR; }

bool may_change(const Thread& self, const Actor& actor) {
    return actor.privilege == K_USERACTOR || trusted(self);
}

long ask_thread(Thread& self, UserInOpt<KnCap> capability, KnThreadLid lid, const Operation& operation,
                Access access) {
    const Result<Actor*> actor = thread_actor_of(self, capability, lid);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (access == Access::change && !may_change(self, *actor.value())) return K_EPRIV;
    const Result<FoundThread> found = find_thread(*actor.value(), lid);
    if (!found.ok()) return static_cast<long>(found.status());
    return ask(self, *found.value().thread, found.value().serial, operation);
}

Result<FoundThread> thread_of(Thread& self, UserInOpt<KnCap> capability, KnThreadLid lid) {
    const Result<Actor*> actor = thread_actor_of(self, capability, lid);
    if (!actor.ok()) return actor.status();
    return find_thread(*actor.value(), lid);
}

namespace calls {

long threadSelf(Thread& self) { return self.lid; }

long threadCreate(Thread& self, Cap capability, UserOut<KnThreadLid> lid, KnThreadStatus status,
                  UserInOpt<KnThreadDefSched> scheduling, UserIn<KnDefaultStartInfo_f> start_at) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const Result<KnDefaultStartInfo_f> start = start_at.read();
    if (!start.ok() || lid.probe() != Status::ok) return K_EFAULT;
    if (status != K_ACTIVE && status != K_INACTIVE) return K_EINVAL;
    const Status sound = check_start(self, *actor.value(), start.value());
    if (sound != Status::ok) return static_cast<long>(sound);
    const Result<Attributes> attributes =
        scheduling.given() ? read_attributes(scheduling) : attributes_of(self);
    if (!attributes.ok()) return static_cast<long>(attributes.status());
    ThreadStart plan{};
    plan.entry = VirtAddr{start.value().dsEntry};
    plan.stack = VirtAddr{start.value().dsUserStackPointer};
    plan.attributes = attributes.value();
    plan.bound = self.scheduling.bound;
    plan.supervisor = start.value().dsPrivilege == K_SUPTHREAD;
    plan.system_stack_size = start.value().dsSystemStackSize;
    const Result<Thread*> thread = create_thread(*actor.value(), plan);
    if (!thread.ok()) return static_cast<long>(thread.status());
    static_cast<void>(
        lid.write(thread.value()->lid)); // the place was probed; losing it now is its owner's doing
    if (status == K_ACTIVE) make_ready(*thread.value());
    return K_OK;
}

long threadAborted(Thread& self) { return self.take_abort() ? 1 : 0; }

long threadActivate(Thread& self, Cap actor, KnThreadLid lid) {
    return ask_thread(self, actor, lid, Operation{activate_operation});
}

long threadAbort(Thread& self, Cap actor, KnThreadLid lid) {
    return ask_thread(self, actor, lid, Operation{abort_operation});
}

long threadDelete(Thread& self, Cap capability, KnThreadLid lid) {
    KnThreadLid number = lid;
    const Result<Actor*> actor = thread_actor_of(self, capability, number);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (!may_change(self, *actor.value())) return K_EPRIV;
    if (actor.value() == self.actor && number == self.lid) {
        drop_invocations(self);
        if (self.has(flag_dying)) { // somebody else's wish already
            settle(self);
            return no_result;
        }
    }
    return ask_thread(self, capability, lid, Operation{end_operation}, Access::change);
}

namespace {

[[gnu::noinline]] long delay(Thread& self, UserInOpt<KnTimeVal> argument) {
    const Result<WaitLimit> limit = read_wait_limit(argument);
    if (!limit.ok()) return static_cast<long>(limit.status());
    if (!limit.value().blocks()) {
        self.frame.set_result(K_OK);
        yield(self);
    }
    if (limit.value().abortable() && self.take_abort()) return K_EABORT;
    self.now_doing(Doing::sleeping);
    self.abortable = limit.value().abortable();
    if (limit.value().limited()) arm_timer(self, limit.value().deadline());
    return no_result;
}

} // namespace

long threadDelay(Thread& self, UserInOpt<KnTimeVal> limit) {
    if (limit.given()) return delay(self, limit);
    self.frame.set_result(K_OK);
    yield(self);
}

long cpuSelf() { return this_cpu().index; }

} // namespace calls
} // namespace chorale
