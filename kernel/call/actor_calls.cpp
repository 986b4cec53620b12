#include "kernel/call/handlers.hpp"
#include "kernel/core/deletion.hpp"
#include "kernel/core/end_notice.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/message_handler.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/lap/lap.hpp"
#include "kernel/supervisor/handler.hpp"
#include "kernel/trace/recorder.hpp"

#include <machine/user_access.hpp>

namespace chorale::calls {

[[nodiscard]] static bool port_number(int li) { return li >= 0 && li < static_cast<int>(Actor::port_limit); }

Result<Port*> port_of(Thread& self, Cap capability, int li) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return actor.status();
    if (!port_number(li)) return Status::invalid;
    return actor.value()->tables.with([&](Actor::Tables& tables) -> Result<Port*> {
        Port* const port = tables.port(static_cast<unsigned>(li));
        if (port == nullptr) return Status::invalid;
        return port;
    });
}

// ---- actors ------------------------------------------------------------------------------------

long svActorEndNotice(Thread& self, Cap capability, UserInOpt<KnUniqueId> port_at, u64 cookie) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (!port_at.given()) return static_cast<long>(cancel_end_notice(*actor.value()));
    const Result<KnUniqueId> name = port_at.read();
    if (!name.ok()) return static_cast<long>(name.status());
    const Port* const port = find_port(name.value());
    if (port == nullptr) return K_EUNKNOWN;
    if (has_handler(*port)) return K_EINVAL;
    return static_cast<long>(ask_end_notice(*actor.value(), *port, cookie));
}

long actorSelf(Thread& self, UserOut<KnCap> capability) {
    return static_cast<long>(capability.write(execution_actor(self).capability));
}

long actorCreate(Thread& self, Cap model_at, UserOut<KnCap> capability, KnActorPrivilege privilege,
                 KnActorStatus status) {
    const Result<Actor*> model = actor_of(self, model_at);
    if (!model.ok()) return static_cast<long>(model.status());
    if ((status != K_ACTIVE && status != K_STOPPED) || privilege > K_SYSTEMACTOR) return K_EINVAL;
    if (privilege == K_SUPACTOR && !in_supervisor_mode(self)) return K_EPRIV;
    const bool trusted = self.actor->privilege == K_SYSTEMACTOR || in_supervisor_mode(self);
    if (privilege == K_SYSTEMACTOR && !trusted) return K_EPRIV;
    if (capability.probe() != Status::ok) return K_EFAULT;
    char name[K_ACTORNAMEMAX];
    read_actor_name(*model.value(), name);
    const Result<Actor*> actor =
        create_actor(name, privilege, model.value()->protection, status == K_STOPPED);
    if (!actor.ok()) return static_cast<long>(actor.status());
    inherit_handlers(*actor.value(), *model.value());
    note_actor(*actor.value());
    if (capability.write(actor.value()->capability) == Status::ok) return K_OK;
    note_actor_end(*actor.value());
    discard_actor(*actor.value()); // the place is gone since it was probed, and with it the only name
    return K_EFAULT;
}

long actorDelete(Thread& self, Cap capability) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (actor.value()->privilege != K_USERACTOR && self.actor->privilege == K_USERACTOR) return K_EPRIV;
    if (actor.value() == &nucleus_actor()) return K_EPRIV;
    // From its own LAP or handler, by the thread of another: it would have nowhere to return to.
    if (actor.value() == &execution_actor(self) && actor.value() != self.actor) return K_EBUSY;
    return delete_actor(self, *actor.value());
}

long actorPi(Thread& self, Cap capability, UserOutOpt<KnProtId> old_identifier,
             UserInOpt<KnProtId> new_identifier) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const KnProtId now = actor.value()->protection;
    const Result<KnProtId> wanted = new_identifier.given() ? new_identifier.read() : Result<KnProtId>{now};
    if (!wanted.ok()) return K_EFAULT;
    if (old_identifier.given() && old_identifier.write(now) != Status::ok) return K_EFAULT;
    if (new_identifier.given()) actor.value()->protection.set(wanted.value());
    return K_OK;
}

long actorName(Thread& self, Cap capability, UserBytesOut old_name, UserText new_name) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    char name[K_ACTORNAMEMAX];
    if (new_name.given()) {
        const Result<std::size_t> length = new_name.read(name, sizeof name);
        if (length.status() == Status::fault) return K_EFAULT;
        name[length.ok() ? length.value() : sizeof name - 1] = '\0';
    }
    char old[K_ACTORNAMEMAX];
    read_actor_name(*actor.value(), old);
    if (old_name.address.raw() != 0 && !machine::copy_out(old_name.address, old, sizeof old)) return K_EFAULT;
    if (new_name.given()) {
        set_actor_name(*actor.value(), name);
        note_actor(*actor.value());
    }
    return K_OK;
}

// ---- ports -------------------------------------------------------------------------------------

long portCreate(Thread& self, Cap capability, UserOut<KnUniqueId> name) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (name.probe() != Status::ok) return K_EFAULT;
    const Result<Port*> port = create_port(*actor.value(), false);
    if (!port.ok()) return static_cast<long>(port.status());
    static_cast<void>(
        name.write(port.value()->ui)); // the place was probed; losing it now is its owner's doing
    return static_cast<long>(
        port.value()->li.load(std::memory_order_relaxed)); // relaxed: this CPU has just written it
}

long portDelete(Thread& self, Cap capability, int li) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (!port_number(li) || li == K_DEFAULTPORT) return K_EINVAL;
    const Result<Port*> found = port_of(self, capability, li);
    if (found.ok() && inside_lap(self, found.value()->handler.get())) return K_EBUSY;
    Port* port{};
    if (!begin_port_deletion(*actor.value(), li, port)) return K_EINVAL;
    return delete_port(self, *port);
}

namespace {

// A message is handed over at each tour, until there is none or nobody to take it.
void announce_everywhere(Thread& self) {
    tour(
        self,
        [](Thread& asker) {
            if (!announce(*asker.fetch_port, asker.fetch_life)) asker.question.result = K_EBUSY;
        },
        [](Thread& asker, long result) {
            if (result == K_EBUSY)
                announce_everywhere(asker);
            else
                wake(asker, K_OK);
        });
}

} // namespace

long portEnable(Thread& self, Cap capability, int li, int priority) {
    if (priority < 0) return K_EINVAL;
    const Result<Port*> port = port_of(self, capability, li);
    if (!port.ok()) return static_cast<long>(port.status());
    // relaxed: the store of `enabled` orders it
    port.value()->enable_priority.store(priority, std::memory_order_relaxed);
    // seq_cst: pairs with start_tour() (delivery.cpp): either the sender sees the port enabled or its message
    // is seen here
    port.value()->enabled.store(true, std::memory_order_seq_cst);
    // Messages that came before: whoever waits for any port learns of them at the queue's owner.
    if (port.value()->queued.load(std::memory_order_seq_cst) == 0) return K_OK;
    self.fetch_port = port.value();
    self.fetch_life = life_of(*port.value());
    announce_everywhere(self);
    return no_result;
}

long portDisable(Thread& self, Cap capability, int li) {
    const Result<Port*> port = port_of(self, capability, li);
    // relaxed: a server that was woken for this port just before keeps its message
    if (port.ok()) port.value()->enabled.store(false, std::memory_order_relaxed);
    return static_cast<long>(port.status());
}

long portUi(Thread& self, UserOut<KnUniqueId> name, int li) {
    const Result<Port*> port = port_of(self, Cap{VirtAddr{0}}, li);
    return static_cast<long>(port.ok() ? name.write(port.value()->ui) : port.status());
}

long portLi(Thread& self, UserIn<KnUniqueId> name) {
    const Result<KnUniqueId> ui = name.read();
    if (!ui.ok()) return K_EFAULT;
    const Port* const port = find_port(ui.value());
    // relaxed, both: a port that is being deleted may have no actor and no number any more
    if (port == nullptr || port->actor.load(std::memory_order_relaxed) != &execution_actor(self))
        return K_EUNKNOWN;
    const u64 li = port->li.load(std::memory_order_relaxed);
    return li == deleted_port_li ? long{K_EUNKNOWN} : static_cast<long>(li);
}

} // namespace chorale::calls
