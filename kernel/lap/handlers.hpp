// Handlers that are LAPs: for each actor vectors for exceptions, aborts and stops, and for the site one for
// each trap. Whoever has a thread to be handled reads a slot without a lock; a descriptor that it reads in
// halves, or whose LAP has died, fits no LAP and is passed over.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

#include <exec/chTrap.h>

#include <array>

namespace chorale {

struct Actor;
struct LapFrame;
struct Thread;

enum class HandlerKind : u32 {
    exception = K_EXC_HANDLER,
    abort = K_ABORT_HANDLER,
    stop = K_STOP_HANDLER,
    trap = K_TRAP_HANDLER
};

class HandlerSlot {
  public:
    [[nodiscard]] KnLapDesc get() const { return {place_.load(), key_.load()}; }
    void set(const KnLapDesc& descriptor) {
        key_.store(descriptor.ldKey);
        place_.store(descriptor.ldPlace);
    }

  private:
    Relaxed<u64> place_, key_; // a key of 0: none
};

inline constexpr unsigned handler_vector = 4;
static_assert(K_ACTOR_EXCVECT_MAX == handler_vector && K_ACTOR_ABORTVECT_MAX == handler_vector &&
              K_ACTOR_STOPVECT_MAX == handler_vector);
using HandlerVector = std::array<HandlerSlot, handler_vector>;

// Of an actor: exceptions, aborts, stops.
struct Handlers {
    std::array<HandlerVector, 3> vectors;
};
[[nodiscard]] HandlerVector& handler_vector_of(Actor& actor, HandlerKind kind);
// Whether a LAP that lives is connected there.
[[nodiscard]] bool handled(Actor& actor, HandlerKind kind);

// A trap's, null when nothing is known under that number.
[[nodiscard]] HandlerSlot* trap_slot(unsigned trap);

// ---- when something is to be handled, on the CPU of the thread -------------------------------------
struct Fault {
    const char* name;
    unsigned number;
    u64 address;
};
// Whether exception handlers run now, or the LAP has failed in which it happened; else it is up to the
// caller.
[[nodiscard]] bool offer_fault(Thread& self, const Fault& fault);
// Whether the trap has a handler, which runs now.
[[nodiscard]] bool offer_trap(Thread& self, unsigned trap);
// Whether the thread is in none of the LAPs that it may have invoked, where handlers of its own wait for it.
[[nodiscard]] bool in_own_code(const Thread& thread);
// After an abort that `thread` is to be told of by its abort handlers: they run when it is home.
void announce_abort(Thread& thread);
// It goes back to its program: whether abort or stop handlers run before.
[[nodiscard]] bool run_home_handlers(Thread& self);
// The innermost guarded invocation since the innermost handler began ends with K_EFAIL, with all that were
// made inside it; null: there is none. On the thread's CPU, after an exception or before it goes on.
[[nodiscard]] const LapFrame* fail_invocation(Thread& self);
// So do all that were made in abandoned frames. False: one could not.
[[nodiscard]] bool fail_abandoned(Thread& self);
// The thread has left its last LAP: its death, or something that leave() sees to, has waited for that.
[[nodiscard]] long come_home(Thread& self);

// ---- connecting, by kind and index ---------------------------------------------------------------
// Errors: invalid, busy.
[[nodiscard]] Status connect_handler(HandlerSlot& slot, const KnLapDesc& descriptor);
[[nodiscard]] Status disconnect_handler(HandlerSlot& slot, const KnLapDesc* descriptor); // null: whatever is
[[nodiscard]] Result<KnLapDesc> connected_handler(HandlerSlot& slot);
void clear_handlers(Actor& actor);
void inherit_handlers(Actor& actor, Actor& model); // exceptions and aborts

} // namespace chorale
