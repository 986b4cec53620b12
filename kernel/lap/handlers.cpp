#include "kernel/lap/handlers.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/lap/lap.hpp"

namespace chorale {

namespace {

// Who may write a slot.
struct Writers {};
Guarded<Rank::handlers, Writers> writers;

HandlerSlot breakpoint, system_call;

// By who may write it. An empty descriptor: nothing is connected any more.
[[gnu::noinline]] void set(HandlerSlot& slot, const KnLapDesc& descriptor) {
    slot.set(descriptor);
    if (&slot == &system_call) connect_direct_trap(descriptor);
}

} // namespace

HandlerVector& handler_vector_of(Actor& actor, HandlerKind kind) {
    return actor.handlers.vectors[static_cast<u32>(kind)];
}

bool handled(Actor& actor, HandlerKind kind) {
    for (const HandlerSlot& slot : handler_vector_of(actor, kind)) {
        if (lap_lives(slot.get())) return true;
    }
    return false;
}

HandlerSlot* trap_slot(unsigned trap) {
    if (trap == K_TRAP_BREAKPOINT) return &breakpoint;
    return trap == K_TRAP_SYSTEMCALL ? &system_call : nullptr;
}

Status connect_handler(HandlerSlot& slot, const KnLapDesc& descriptor) {
    return writers.with([&](Writers&) {
        if (!lap_lives(descriptor)) return Status::invalid;
        if (lap_lives(slot.get())) return Status::busy;
        set(slot, descriptor);
        return Status::ok;
    });
}

Status disconnect_handler(HandlerSlot& slot, const KnLapDesc* descriptor) {
    return writers.with([&](Writers&) {
        const KnLapDesc connected = slot.get();
        if (connected.ldKey == 0 || (descriptor != nullptr && !same_lap(*descriptor, connected)))
            return Status::invalid;
        set(slot, {});
        return Status::ok;
    });
}

Result<KnLapDesc> connected_handler(HandlerSlot& slot) {
    return writers.with([&](Writers&) -> Result<KnLapDesc> {
        const KnLapDesc connected = slot.get();
        if (connected.ldKey == 0) return Status::invalid;
        return connected;
    });
}

void clear_handlers(Actor& actor) {
    for (HandlerVector& vector : actor.handlers.vectors) {
        for (HandlerSlot& slot : vector) slot.set({});
    }
}

void inherit_handlers(Actor& actor, Actor& model) {
    for (const HandlerKind kind : {HandlerKind::exception, HandlerKind::abort}) {
        HandlerVector& to = handler_vector_of(actor, kind);
        const HandlerVector& from = handler_vector_of(model, kind);
        for (unsigned i = 0; i < handler_vector; ++i) to[i].set(from[i].get());
    }
}

} // namespace chorale
