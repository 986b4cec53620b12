// Upcalls: the nucleus lets a thread run a handler of a supervisor actor, in supervisor mode, and goes on
// when that returns. Trap, exception, abort and stop handlers, safe LAPs invoked from user mode and message
// handlers are all entered here.
//
// The interrupted registers are kept in a record at the top of the thread's system stack (below where it
// stands, when it is in supervisor mode already: handlers nest). The handler may look at them and change
// them: the record begins with what it sees as a KnThreadCtx. When the handler returns, a trampoline comes
// back into the nucleus, which puts the registers back and calls `returned`.
//
// Context: in the nucleus, on the CPU of the thread, with its frame complete: in a call that may block, after
// an exception, or in a continuation; never in a leaf call, whose frame was not saved. Whoever enters a
// handler from a call returns no_result and unwinds to leave().
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/core/thread.hpp"

namespace chorale {

// A word that a handler is given, as its argument or in its descriptor.
struct HandlerWord {
    enum class Kind : u8 {
        value,      // itself
        context,    // the address of the interrupted registers: KnThreadCtx*
        descriptor, // the address of the copy of Handler::descriptor on the stack
    };
    Kind kind{Kind::value};
    u64 value{};

    static constexpr HandlerWord of(u64 value) { return {Kind::value, value}; }
    static constexpr HandlerWord the_context() { return {Kind::context, 0}; }
    static constexpr HandlerWord the_descriptor() { return {Kind::descriptor, 0}; }
};

struct Handler {
    static constexpr unsigned arguments = 3, descriptor_words = 4;

    VirtAddr entry;
    HandlerWord argument[arguments]{};
    HandlerWord descriptor[descriptor_words]{}; // for handlers that take the address of a structure
    const void* data{}; // copied to the stack: what place_for_data() said is its address there
    u32 data_size{};
    u32 room{};     // that the handler's own frames leave free below its record
    Actor* owner{}; // the execution actor meanwhile
    // In the nucleus, when the handler has returned `result` (its return register) and the registers are
    // those from before, with what the handler changed in them. It may set the result of the interrupted
    // call, delete an actor, or enter the next handler. Null: the thread goes on where it was.
    void (*returned)(Thread& self, u64 result, u64 cookie){};
    u64 cookie{};
};

// Errors: no_memory (no system stack).
[[nodiscard]] Result<VirtAddr> place_for_data(Thread& self, u32 size);

// The thread goes on in `handler`. Errors: no_memory (no system stack), fault (no room on it); then nothing
// has changed.
[[nodiscard]] Status enter_handler(Thread& self, const Handler& handler);

// The innermost handler ends here and now, as if it had returned `result`: after a fault in it. `self` is
// this CPU's current thread, in a call that may block or after an exception.
void end_handler(Thread& self, u64 result);

// From a level of a thread's to the one that its handler interrupted; false: there is none, or the record is
// not readable.
[[nodiscard]] bool interrupted_level(SupervisorState& level);

// What the record says: the actor on whose behalf the innermost handler was entered (svGetInvoker), null when
// the thread is in no handler.
[[nodiscard]] Actor* invoker(const Thread& self);

[[nodiscard]] inline bool in_handler(const Thread& self) { return self.supervisor.innermost.raw() != 0; }
[[nodiscard]] inline bool in_supervisor_mode(const Thread& self) { return self.has(flag_supervisor); }

// Of the LAP in which the thread is; null: none since the innermost handler was entered.
[[nodiscard]] inline const LapFrame* innermost_frame(const Thread& self) {
    const LapFrame* const frame = self.invocations.frames.load();
    return frame != self.supervisor.below ? frame : nullptr;
}
[[nodiscard]] inline bool in_abandoned_frame(const Thread& self) {
    const LapFrame* const frame = innermost_frame(self);
    return frame != nullptr && frame->abandoned();
}
[[nodiscard]] inline Actor& execution_actor(const Thread& self) {
    if (!in_supervisor_mode(self)) return *self.actor;
    if (const LapFrame* const frame = innermost_frame(self)) return *frame->owner();
    return self.supervisor.execution != nullptr ? *self.supervisor.execution : *self.actor;
}

} // namespace chorale
