// Linux's system-call convention in the registers of an interrupted thread. riscv64.
#pragma once

#include "c_os/calls/arguments.hpp"

#include <chorus/machine_context.h>
#include <exec/chTrap.h>
#include <program_format.hpp>

namespace chorale::c_os {

[[nodiscard]] inline u64 call_number(const KnThreadCtx& context) { return context.a7; }
[[nodiscard]] inline CallArguments call_arguments(const KnThreadCtx& context) {
    return {{context.a0, context.a1, context.a2, context.a3, context.a4, context.a5}};
}
inline void set_result(KnThreadCtx& context, u64 result) { context.a0 = result; }
inline void set_thread_pointer(KnThreadCtx& context, u64 pointer) { context.tp = pointer; }
[[nodiscard]] inline u64 thread_pointer(const KnThreadCtx& context) { return context.tp; }

inline constexpr unsigned signal_action_size = 24; // of struct sigaction in system calls

// clone(flags, stack, parent_tid, tls, child_tid)
struct CloneArguments {
    u64 flags, stack, parent_tid, child_tid, thread_pointer;
};
[[nodiscard]] inline CloneArguments clone_arguments(const CallArguments& call) {
    return {call.value[0], call.value[1], call.value[2], call.value[4], call.value[3]};
}

} // namespace chorale::c_os
