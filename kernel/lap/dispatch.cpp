// From the nucleus to handlers that are LAPs, and back: each enters a function of invoke.cpp on the thread,
// which calls one LAP after the other.
#include "kernel/base/log.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/deletion.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/interrupt/level.hpp"
#include "kernel/lap/direct_trap.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/lap/invoke.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/supervisor.hpp>

namespace chorale {

namespace {

// A function at thread level: it runs for whatever actor the thread is in.
template <class Function>
[[nodiscard]] Handler handler_for(const Thread& self, Function* entry) {
    Handler handler;
    handler.entry = VirtAddr{reinterpret_cast<u64>(entry)};
    handler.argument[0] = HandlerWord::the_context();
    handler.owner = &execution_actor(self);
    return handler;
}

[[nodiscard]] bool go_on_or_drop(Thread& self, bool goes_on) {
    if (!goes_on) drop_invocations(self);
    return goes_on;
}

// Nobody has dealt with it. False: nothing can be saved.
[[nodiscard]] bool give_up_invocation(Thread& self, const Fault& fault) {
    Actor& culprit = execution_actor(self);
    const u64 pc = self.frame.pc;
    const LapFrame* const failed = fail_invocation(self);
    if (!go_on_or_drop(self, failed != nullptr)) return false;
    if (failed->forgiving()) return true;
    char name[K_ACTORNAMEMAX];
    read_actor_name(culprit, name);
    log("actor {} in a LAP: {} (address {}, pc {}): actor deleted", std::string_view{name}, fault.name,
        Hex{fault.address}, Hex{pc});
    self.invocations.keeps_result = true;
    if (delete_actor(self, culprit) != no_result) self.invocations.keeps_result = false;
    return true;
}

void exception_returned(Thread& self, u64 dealt_with, u64 name) {
    const Fault fault{reinterpret_cast<const char*>(name), 0, self.invocations.fault_address};
    self.invocations.faulty = nullptr;
    if (dealt_with != 0 || in_abandoned_frame(self) || give_up_invocation(self, fault)) return;
    delete_faulting(self, fault.name, fault.address, self.frame.pc);
}

[[nodiscard]] bool run_vector(Thread& self, HandlerKind kind) {
    if (!handled(*self.actor, kind)) return false;
    Handler handler = handler_for(self, chorale_run_home_handlers);
    handler.argument[1] = HandlerWord::of(static_cast<u64>(kind));
    return enter_handler(self, handler) == Status::ok;
}

} // namespace

bool offer_fault(Thread& self, const Fault& fault) {
    if (in_abandoned_frame(self)) return go_on_or_drop(self, fail_abandoned(self));
    Actor& execution = execution_actor(self);
    if (fault.number == K_TRAP_BREAKPOINT && offer_trap(self, K_TRAP_BREAKPOINT)) return true;
    // A fault in an exception handler is not offered again.
    if (self.invocations.faulty != nullptr || !handled(execution, HandlerKind::exception))
        return give_up_invocation(self, fault);
    Handler handler = handler_for(self, chorale_run_exception_handlers);
    handler.argument[1] = HandlerWord::of(fault.number);
    handler.argument[2] = HandlerWord::of(fault.address);
    handler.returned = exception_returned;
    handler.cookie = reinterpret_cast<u64>(fault.name);
    if (enter_handler(self, handler) != Status::ok) return give_up_invocation(self, fault);
    self.invocations.faulty = &execution;
    self.invocations.fault_address = fault.address;
    return true;
}

bool offer_trap(Thread& self, unsigned trap) {
    const HandlerSlot* const slot = trap_slot(trap);
    if (slot == nullptr) return false;
    const KnLapDesc lap = slot->get();
    if (!lap_lives(lap)) return false;
    const bool direct = trap == K_TRAP_SYSTEMCALL && !in_supervisor_mode(self);
    Handler handler = handler_for(self, chorale_run_trap_handler);
    handler.argument[0] = HandlerWord::the_descriptor();
    handler.descriptor[0] = HandlerWord::the_context();
    handler.descriptor[1] = HandlerWord::of(trap); // and resultOnly is 0
    handler.descriptor[2] = HandlerWord::of(handler_data(self));
    handler.room = sizeof(DirectCall);
    if (enter_handler(self, handler) != Status::ok) return false;
    if (direct) prepare_direct_trap(self, lap);
    return true;
}

bool in_own_code(const Thread& thread) {
    const bool visits = thread.actor->privilege != K_SUPACTOR && in_supervisor_mode(thread);
    return !visits && thread.invocations.frames.load() == nullptr;
}

// An abort that has ended a wait in another actor's code is that code's.
void announce_abort(Thread& thread) {
    if (!handled(*thread.actor, HandlerKind::abort)) return;
    if (!in_handler(thread) && !away_from_home(thread)) thread.set(flag_aborted);
    if (thread.aborted()) thread.set(flag_held);
}

bool run_home_handlers(Thread& self) {
    if (self.aborted() && run_vector(self, HandlerKind::abort)) {
        self.take_abort();
        return true;
    }
    const bool tells = self.control.tells_stop;
    self.control.tells_stop = false;
    return tells && run_vector(self, HandlerKind::stop);
}

long come_home(Thread& self) {
    if (self.invocations.frames.load() != nullptr || self.handling != nullptr) return K_OK;
    self.clear(flag_awaited);
    if (self.has(flag_dying)) {
        settle(self);
        return no_result;
    }
    if (self.virtual_timeouts.due != nullptr) self.set(flag_due);
    return K_OK;
}

long invoke_from_user(Thread& self, const KnLapDesc& descriptor, u64 argument) {
    const LapTarget target = find_lap(descriptor);
    if (target.lap == nullptr || (target.options & K_LAP_SAFE) == 0) return K_EINVAL;
    Handler handler = handler_for(self, machine::chorale_lap_invoke_guarded);
    handler.argument[0] = HandlerWord::of(descriptor.ldPlace);
    handler.argument[1] = HandlerWord::of(descriptor.ldKey);
    handler.argument[2] = HandlerWord::of(argument);
    handler.returned = [](Thread& thread, u64 result, u64) {
        thread.frame.set_result(static_cast<int>(result));
    };
    const Status status = enter_handler(self, handler);
    return status == Status::ok ? no_result : static_cast<long>(status);
}

bool invoke_at_interrupt_level(const KnLapDesc& descriptor, void* argument) {
    const LapTarget target = find_lap(descriptor);
    if (target.lap == nullptr || target.options != K_LAP_SAMEHOST) return false;
    call_at_interrupt_level(*target.owner, target.handler, reinterpret_cast<u64>(argument), target.cookie);
    return true;
}

Actor* invoker_of(const Thread& self) {
    const LapFrame* const frame = innermost_frame(self);
    if (frame == nullptr) return invoker(self);
    const LapFrame* const outer = frame->outer;
    if (outer != self.supervisor.below) return outer->owner();
    return self.supervisor.execution != nullptr ? self.supervisor.execution : self.actor;
}

} // namespace chorale
