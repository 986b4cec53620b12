// Groups of ports, static names, and what a site knows of names.
#include "kernel/call/handlers.hpp"
#include "kernel/core/names.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/group.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/supervisor/handler.hpp"

namespace chorale::calls {

namespace {

struct Member {
    KnUniqueId group{};
    Port* port{};
};

// What grpPortInsert and grpPortRemove are given.
[[nodiscard]] Status read_member(const Thread& self, UserIn<KnCap> capability_at, UserIn<KnUniqueId> name_at,
                                 Member& member) {
    const Result<KnCap> capability = capability_at.read();
    const Result<KnUniqueId> name = name_at.read();
    if (!capability.ok() || !name.ok()) return Status::fault;
    if (!names_group(capability.value())) return Status::invalid;
    member.group = capability.value().ui;
    if (kind_of(member.group) == NameKind::system_group && !trusted(self)) return Status::privilege;
    member.port = find_port(name.value());
    return member.port == nullptr ? Status::unknown : Status::ok;
}

// As uiBuild() makes them; one that never migrates is for this site only.
[[nodiscard]] bool can_be_declared(const KnUniqueId& name) {
    if (!is_declared(name) || name.uiTail > K_CUI_STAMPMAX) return false;
    if (is_static_port(name) && site_of(name) != local_site) return false;
    KnUniqueId right;
    static_cast<void>(uiBuild(&right, static_cast<u32>(kind_of(name)), static_cast<u32>(site_of(name)),
                              static_cast<u32>(name.uiTail)));
    return uiEqual(&right, &name) != 0;
}

} // namespace

long uiIsLocal(Thread&, UserIn<KnUniqueId> name_at) {
    const Result<KnUniqueId> name = name_at.read();
    return name.ok() ? long{known_here(name.value())} : long{K_EFAULT};
}

long uiLocalSite(Thread&, UserOut<int> site) { return static_cast<long>(site.write(int{local_site})); }

long portDeclare(Thread& self, Cap capability, UserIn<KnUniqueId> name_at) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const Result<KnUniqueId> name = name_at.read();
    if (!name.ok()) return K_EFAULT;
    if (!can_be_declared(name.value())) return K_EINVAL;
    const Result<Port*> port = create_port(*actor.value(), false, &name.value());
    if (!port.ok()) return static_cast<long>(port.status());
    // relaxed: this CPU has just written it
    return static_cast<long>(port.value()->li.load(std::memory_order_relaxed));
}

long grpAllocate(Thread& self, int options, UserOut<KnCap> capability, int stamp) {
    if (options == K_STATSYS && !trusted(self)) return K_EPRIV;
    const Result<KnCap> group = name_group(options, static_cast<u32>(stamp));
    return static_cast<long>(group.ok() ? capability.write(group.value()) : group.status());
}

long grpPortInsert(Thread& self, UserIn<KnCap> capability, UserIn<KnUniqueId> name) {
    Member member;
    const Status status = read_member(self, capability, name, member);
    if (status != Status::ok) return static_cast<long>(status);
    // relaxed: a port that is going has no actor, and enters no group
    const Actor* const owner = member.port->actor.load(std::memory_order_relaxed);
    const bool own = owner == &execution_actor(self) || trusted(self);
    return static_cast<long>(join_group(member.group, *member.port, own));
}

long grpPortRemove(Thread& self, UserIn<KnCap> capability, UserIn<KnUniqueId> name) {
    Member member;
    const Status status = read_member(self, capability, name, member);
    if (status != Status::ok) return static_cast<long>(status);
    self.work.membership = leave_group(member.group, *member.port);
    if (self.work.membership == nullptr) return K_EINVAL;
    // Nobody who looks at it has to be told: the tour is a grace period.
    tour(
        self, [](Thread&) {},
        [](Thread& asker, long) {
            free_membership(*asker.work.membership);
            wake(asker, K_OK);
        });
    return no_result;
}

} // namespace chorale::calls
