// Thread-level code of the nucleus, on a supervisor stack, with interrupts on (kernel/lap/invoke.hpp).
#include "kernel/lap/invoke.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/lap/direct_trap.hpp"
#include "kernel/lap/handlers.hpp"

#include <chorus/calls.hpp>
#include <machine/cpu.hpp>
#include <machine/supervisor.hpp>

namespace chorale {

namespace {

[[nodiscard]] Thread& current() { return *static_cast<Thread*>(machine::current_thread()); }

#define CHORALE_NUMBER(number, name, ...) number_of_##name = number,
enum : unsigned { CHORUS_SUPERVISOR_BLOCK_CALLS(CHORALE_NUMBER) };
#undef CHORALE_NUMBER

[[nodiscard]] int invoke(const KnLapDesc& lap, void* argument) {
    return machine::chorale_lap_invoke_guarded(lap.ldPlace, lap.ldKey, argument);
}

} // namespace

extern "C" {

void chorale_come_home() { reinterpret_cast<int (*)()>(machine::call_gate(number_of_lapComeHome))(); }

// All of the vector, until one has dealt with it; whether one has.
u64 chorale_run_exception_handlers(KnThreadCtx* context, u64 number, void* address) {
    KnExcDesc description{context, static_cast<unsigned>(number), 0, address};
    for (const HandlerSlot& slot : handler_vector_of(*current().invocations.faulty, HandlerKind::exception)) {
        if (invoke(slot.get(), &description) == K_OK && description.excHandled != 0) return 1;
    }
    return 0;
}

void chorale_run_home_handlers(KnThreadCtx* context, u64 kind) {
    KnAbortDesc description{context};
    for (const HandlerSlot& slot : handler_vector_of(*current().actor, static_cast<HandlerKind>(kind)))
        static_cast<void>(invoke(slot.get(), &description));
}

// The description is in the record, where the quick way finds the handler's word the next time.
void chorale_run_trap_handler(KnSysTrapDesc* recorded) {
    const VirtAddr place{reinterpret_cast<uword>(recorded)};
    KnSysTrapDesc description;
    if (!machine::supervisor_read(&description, place, sizeof description)) return;
    const KnLapDesc lap = trap_slot(description.trapNumber)->get();
    static_cast<void>(invoke(lap, &description));
    static_cast<void>(machine::supervisor_write(place, &description, sizeof description));
    current().direct_trap.handler_data = reinterpret_cast<uword>(description.handlerData);
    if (description.quickCalls != nullptr) add_quick_calls(current(), place, lap.ldKey);
}
}

} // namespace chorale
