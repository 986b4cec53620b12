// The point of no return as a type. An exchange is planned with everything read-only; only commit() hands out threads
// that may be written, and nothing after it can fail. What does not fit the plan leaves before, to the slow path.
#pragma once

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/mem/space.hpp"

#include <chorus/message_registers.h>
#include <machine/mmu.hpp>
#include <machine/thread_pointer.hpp>

#include <utility>

namespace chorale {

class Plan {
public:
    struct Exchange {
        Thread& from;
        Thread& to;
        PerCpu& cpu;
    };

    Plan(PerCpu& cpu, Thread* from, Thread* to) : cpu_{cpu}, from_{from}, to_{to} {}
    Plan(const Plan&) = delete;  // one plan, one commit
    Plan& operator=(const Plan&) = delete;

    [[nodiscard]] const PerCpu& cpu() const { return cpu_; }
    [[nodiscard]] const Thread& from() const { return *from_; }
    [[nodiscard]] const Thread& to() const { return *to_; }

    // No flag set on the sender, and no floating-point registers to save.
    [[nodiscard]] bool sender_plain() const { return from_->state == state_running && cpu_.fpu_live == 0; }

    [[nodiscard]] Exchange commit() && noexcept { return {*from_, *to_, cpu_}; }  // ---- point of no return ----

private:
    PerCpu& cpu_;
    Thread* const from_;
    Thread* const to_;
};

// The CPU continues as `to`. The space is loaded only when it differs, and so is the thread pointer.
inline void switch_to(const Plan::Exchange& exchange) {
    auto& [from, to, cpu] = exchange;
    cpu.current = &to;
    const u64 root = to.space->root();
    if (root != cpu.space_root) {
        cpu.space_root = root;
        machine::load_root(root);
    }
    if (to.frame.fs_base != from.frame.fs_base) [[unlikely]] machine::load_thread_pointer(to.frame);
}

// The body's size, or a value above MESSAGE_REGISTER_BYTES when the caller asks for what registers cannot hold.
[[nodiscard]] inline u64 message_size(u64 control) { return (control >> MESSAGE_SIZE_SHIFT) & 0xff; }

}  // namespace chorale
