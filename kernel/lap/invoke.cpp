// lapInvoke, and what runs on a thread when a handler is due: thread-level code of the nucleus, on a
// supervisor stack, with interrupts on (kernel/lap/invoke.hpp).
#include "kernel/lap/invoke.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/lap/handlers.hpp"

#include <chorus/calls.hpp>
#include <machine/supervisor.hpp>

namespace chorale {

namespace {

[[nodiscard]] Thread& current() { return *static_cast<Thread*>(machine::current_thread()); }

#define CHORALE_NUMBER(number, name, ...) number_of_##name = number,
enum : unsigned { CHORUS_SUPERVISOR_BLOCK_CALLS(CHORALE_NUMBER) };
#undef CHORALE_NUMBER

// Something waits for the thread to be out of all LAPs: the nucleus looks what.
[[gnu::noinline]] void come_home() {
    reinterpret_cast<int (*)()>(machine::call_gate(number_of_lapComeHome))();
}

// After the frame has gone: what the nucleus finds from here on finds the thread at home.
inline void look_after(Thread& self, const LapFrame& frame) {
    if (self.invocations.attention.load() != 0 && frame.outer == nullptr) [[unlikely]]
        come_home();
}

void call(const LapTarget& target, void* argument) {
    reinterpret_cast<KnLapHdl>(target.handler)(argument, reinterpret_cast<void*>(target.cookie));
}

// Calls the handler so that a fault in it ends the call only.
[[nodiscard]] bool call_guarded(const LapTarget& target, void* argument, LapFrame& frame) {
    const bool failed =
        machine::lap_call(target.handler, reinterpret_cast<u64>(argument), target.cookie, &frame.resume);
    return !failed;
}

[[gnu::noinline]] int invoke_safe(Thread& self, const KnLapDesc& descriptor, void* argument) {
    LapFrame frame;
    LapTarget target;
    if (!enter_safe(self, frame, descriptor, target)) return K_EINVAL;
    frame.forgiving = (target.options & K_LAP_SETJMP) != 0 ? 1 : 0;
    const bool done = call_guarded(target, argument, frame);
    const bool lives = leave_safe(self, frame, descriptor);
    look_after(self, frame);
    if (!done) return K_EFAIL;
    return lives ? K_OK : K_EABORT;
}

// A handler that the nucleus calls: always guarded.
[[nodiscard]] int invoke_guarded(Thread& self, const KnLapDesc& descriptor, void* argument) {
    const LapTarget target = find_lap(descriptor);
    if (target.lap == nullptr) return K_EINVAL;
    if ((target.options & K_LAP_SAFE) != 0) return invoke_safe(self, descriptor, argument);
    LapFrame frame;
    push_frame(self, frame, nullptr, target.owner);
    frame.forgiving = (target.options & K_LAP_SETJMP) != 0 ? 1 : 0;
    self.supervisor.execution = target.owner;
    const bool done = call_guarded(target, argument, frame);
    pop_frame(self, frame);
    look_after(self, frame);
    return done ? K_OK : K_EFAIL;
}

} // namespace

extern "C" {

int chorale_lap_invoke(const KnLapDesc* descriptor, void* argument) {
    const LapTarget target = find_lap(*descriptor);
    if (target.lap == nullptr) return K_EINVAL;
    Thread& self = current();
    if (target.options != 0) [[unlikely]] {
        if ((target.options & K_LAP_SAFE) != 0) return invoke_safe(self, *descriptor, argument);
        if ((target.options & K_LAP_SETJMP) != 0) return invoke_guarded(self, *descriptor, argument);
        call(target, argument); // raw
        return K_OK;
    }
    LapFrame frame;
    push_frame(self, frame, nullptr, target.owner);
    self.supervisor.execution = target.owner;
    call(target, argument);
    pop_frame(self, frame);
    look_after(self, frame);
    return K_OK;
}

// For a thread in user mode: its descriptor comes in registers.
int chorale_lap_invoke_safe(u64 place, u64 key, void* argument) {
    return invoke_safe(current(), {place, key}, argument);
}

// All of the vector, until one has dealt with it; whether one has.
u64 chorale_run_exception_handlers(KnThreadCtx* context, u64 number, void* address) {
    Thread& self = current();
    KnExcDesc description{context, static_cast<unsigned>(number), 0, address};
    for (const HandlerSlot& slot : handler_vector_of(*self.invocations.faulty, HandlerKind::exception)) {
        const int result = invoke_guarded(self, slot.get(), &description);
        if (result == K_OK && description.excHandled != 0) return 1;
    }
    return 0;
}

void chorale_run_abort_handlers(KnThreadCtx* context) {
    Thread& self = current();
    KnAbortDesc description{context};
    for (const HandlerSlot& slot : handler_vector_of(*self.actor, HandlerKind::abort))
        static_cast<void>(invoke_guarded(self, slot.get(), &description));
}

// Whether there was one.
u64 chorale_run_trap_handler(KnThreadCtx* context, u64 trap) {
    KnSysTrapDesc description{context, static_cast<unsigned>(trap)};
    const HandlerSlot* const slot = trap_slot(static_cast<unsigned>(trap));
    return invoke_guarded(current(), slot->get(), &description) == K_OK ? 1 : 0;
}
}

} // namespace chorale
