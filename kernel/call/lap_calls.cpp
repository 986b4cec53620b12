// LAPs and handlers. What a LAP's own actor may do with one anybody in supervisor mode may; who invokes one
// needs its descriptor only.
#include "kernel/call/handlers.hpp"
#include "kernel/lap/binding.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/lap/invoke.hpp"
#include "kernel/lap/lap.hpp"
#include "kernel/supervisor/handler.hpp"

namespace chorale::calls {

namespace {

[[nodiscard]] bool supervisor(const Thread& self) { return execution_actor(self).privilege == K_SUPACTOR; }

// Errors: fault; no_memory when it is too long.
[[nodiscard]] Result<LapName> read_name(UserText text) {
    char name[sizeof(LapName)]{};
    static_assert(sizeof name == K_LAPNAMEMAX + 1);
    const Result<std::size_t> length = text.read(name, sizeof name);
    if (!length.ok()) return length.status();
    LapName packed = 0;
    __builtin_memcpy(&packed, name, length.value());
    return packed;
}

// The slot that a handler's kind and index mean. Errors: those of a capability, invalid.
[[nodiscard]] Result<HandlerSlot*> slot_of(Thread& self, unsigned kind, Cap capability, unsigned index) {
    if (kind > K_TRAP_HANDLER) return Status::invalid;
    if (kind == K_TRAP_HANDLER) {
        HandlerSlot* const slot = trap_slot(index);
        if (slot == nullptr) return Status::invalid;
        return slot;
    }
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return actor.status();
    if (index >= handler_vector) return Status::invalid;
    return &handler_vector_of(*actor.value(), static_cast<HandlerKind>(kind))[index];
}

} // namespace

// ---- LAPs --------------------------------------------------------------------------------------

long svLapCreate(Thread& self, Cap capability, VmAddr handler, VmAddr cookie, unsigned int options,
                 UserOut<KnLapDesc> descriptor) {
    if (!supervisor(self)) return K_EPRIV;
    const Result<Actor*> owner = capability.given() ? actor_of(self, capability) : self.actor;
    if (!owner.ok()) return static_cast<long>(owner.status());
    const bool form = options == K_LAP_SAMEHOST || (options & ~(K_LAP_SAFE | K_LAP_SETJMP)) == 0;
    if (!form || handler == 0 || owner.value()->privilege != K_SUPACTOR) return K_EINVAL;
    if (descriptor.probe() != Status::ok) return K_EFAULT;
    const Result<KnLapDesc> lap = create_lap(*owner.value(), handler, cookie, options);
    if (!lap.ok()) return static_cast<long>(lap.status());
    static_cast<void>(descriptor.write(lap.value())); // the place was probed; losing it is its owner's doing
    return K_OK;
}

long svLapDelete(Thread& self, UserIn<KnLapDesc> descriptor) {
    if (!supervisor(self)) return K_EPRIV;
    const Result<KnLapDesc> lap = descriptor.read();
    return lap.ok() ? delete_lap(self, lap.value()) : K_EFAULT;
}

long svLapBind(Thread& self, UserIn<KnLapDesc> descriptor, UserText text, unsigned int options) {
    if (!supervisor(self)) return K_EPRIV;
    const Result<KnLapDesc> lap = descriptor.read();
    if (!lap.ok()) return K_EFAULT;
    const Result<LapName> name = read_name(text);
    return name.ok() ? bind_lap(self, name.value(), lap.value(), options) : static_cast<long>(name.status());
}

long svLapUnbind(Thread& self, UserText text) {
    if (!supervisor(self)) return K_EPRIV;
    const Result<LapName> name = read_name(text);
    return static_cast<long>(name.ok() ? unbind_lap(name.value()) : name.status());
}

long lapResolve(Thread& self, UserOut<KnLapDesc> descriptor, UserText text, unsigned int options) {
    const Result<LapName> name = read_name(text);
    if (!name.ok()) return static_cast<long>(name.status());
    if (descriptor.probe() != Status::ok) return K_EFAULT;
    return resolve_lap(self, name.value(), descriptor.address(), options);
}

long lapInvoke(Thread& self, UserIn<KnLapDesc> descriptor, VmAddr argument) {
    const Result<KnLapDesc> lap = descriptor.read();
    return lap.ok() ? invoke_from_user(self, lap.value(), argument) : K_EFAULT;
}

long lapComeHome(Thread& self) { return come_home(self); }

// ---- handlers ----------------------------------------------------------------------------------

long svHandlerConnect(Thread& self, unsigned int kind, Cap actor, unsigned int index,
                      UserIn<KnLapDesc> descriptor) {
    if (!supervisor(self)) return K_EPRIV;
    const Result<HandlerSlot*> slot = slot_of(self, kind, actor, index);
    if (!slot.ok()) return static_cast<long>(slot.status());
    const Result<KnLapDesc> lap = descriptor.read();
    return static_cast<long>(lap.ok() ? connect_handler(*slot.value(), lap.value()) : Status::fault);
}

long svHandlerDisconnect(Thread& self, unsigned int kind, Cap actor, unsigned int index,
                         UserInOpt<KnLapDesc> descriptor) {
    if (!supervisor(self)) return K_EPRIV;
    const Result<HandlerSlot*> slot = slot_of(self, kind, actor, index);
    if (!slot.ok()) return static_cast<long>(slot.status());
    if (descriptor.address().raw() == reinterpret_cast<uword>(K_CONNECTED_LAP))
        return static_cast<long>(disconnect_handler(*slot.value(), nullptr));
    const Result<KnLapDesc> lap = descriptor.read();
    return static_cast<long>(lap.ok() ? disconnect_handler(*slot.value(), &lap.value()) : Status::fault);
}

long svHandlerGetConnected(Thread& self, unsigned int kind, Cap actor, unsigned int index,
                           UserOut<KnLapDesc> descriptor) {
    if (!supervisor(self)) return K_EPRIV;
    const Result<HandlerSlot*> slot = slot_of(self, kind, actor, index);
    if (!slot.ok()) return static_cast<long>(slot.status());
    const Result<KnLapDesc> lap = connected_handler(*slot.value());
    return static_cast<long>(lap.ok() ? descriptor.write(lap.value()) : lap.status());
}

long svGetInvoker(Thread& self, UserOut<KnCap> capability) {
    if (!supervisor(self)) return K_EPRIV;
    const Actor* const actor = invoker_of(self);
    return static_cast<long>(actor != nullptr ? capability.write(actor->capability) : Status::invalid);
}

} // namespace chorale::calls
