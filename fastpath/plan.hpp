// The point of no return as a type. An exchange is planned with everything read-only; only commit() hands out
// threads that may be written, and nothing after it can fail. What does not fit the plan leaves before, to
// the slow path.
#pragma once

#include "kernel/core/thread.hpp"
#include "kernel/mem/space.hpp"

#include <chorus/message_registers.h>
#include <machine/cpu_fields.hpp>
#include <machine/mmu.hpp>
#include <machine/thread_pointer.hpp>

#include <utility>

namespace chorale {

class Plan {
  public:
    struct Exchange {
        Thread& from;
        Thread& to;
    };

    Plan(Thread* from, Thread* to) : from_{from}, to_{to} {}
    Plan(const Plan&) = delete; // one plan, one commit
    Plan& operator=(const Plan&) = delete;

    [[nodiscard]] const Thread& to() const { return *to_; }

    // There is a peer, it does what it should and nothing else is to be known of it.
    [[nodiscard]] bool peer_is(u32 state) const { return to_ != nullptr && to_->state == state; }

    // No flag set on the sender: nothing else to be done for it, no floating-point registers to save.
    [[nodiscard]] bool sender_plain() const { return from_->state == state_running; }

    [[nodiscard]] Exchange commit() && noexcept { return {*from_, *to_}; } // ---- point of no return ----

  private:
    Thread* const from_;
    Thread* const to_;
};

// The CPU continues as `to`; the space is loaded only when it differs.
inline void switch_to(const Plan::Exchange& exchange) {
    machine::this_cpu::set_current(exchange.to);
    const u64 root = exchange.to.space->root();
    if (root != machine::this_cpu::space_root()) {
        machine::this_cpu::set_space_root(root);
        machine::load_root(root);
    }
}

// Where the exit does not load the thread pointer: seldom false, as programs that exchange messages without
// a thread pointer each leave it alone.
[[nodiscard]] inline bool same_thread_pointer(const Plan::Exchange& exchange) {
    return machine::exit_loads_thread_pointer ||
           machine::same_thread_pointer(exchange.from.frame, exchange.to.frame);
}

// Whether the body that the caller announces fits the registers.
[[nodiscard]] inline bool fits_registers(u64 control) {
    return (control & MESSAGE_SIZE_MASK) <= u64{MESSAGE_REGISTER_BYTES} << MESSAGE_SIZE_SHIFT;
}

} // namespace chorale
