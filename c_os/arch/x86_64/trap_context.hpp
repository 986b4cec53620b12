// Linux's system-call convention in the registers of an interrupted thread. x86-64.
#pragma once

#include "c_os/calls/arguments.hpp"

#include <chorus/machine_context.h>
#include <exec/chTrap.h>
#include <program_format.hpp>

namespace chorale::c_os {

[[nodiscard]] inline u64 call_number(const KnThreadCtx& context) { return context.rax; }
[[nodiscard]] inline CallArguments call_arguments(const KnThreadCtx& context) {
    return {{context.rdi, context.rsi, context.rdx, context.r10, context.r8, context.r9}};
}
inline void set_result(KnThreadCtx& context, u64 result) { context.rax = result; }
inline void set_thread_pointer(KnThreadCtx& context, u64 pointer) { context.fsBase = pointer; }
[[nodiscard]] inline u64 thread_pointer(const KnThreadCtx& context) { return context.fsBase; }

inline constexpr unsigned signal_action_size = 32; // of struct sigaction in system calls

// clone(flags, stack, parent_tid, child_tid, tls)
struct CloneArguments {
    u64 flags, stack, parent_tid, child_tid, thread_pointer;
};
[[nodiscard]] inline CloneArguments clone_arguments(const CallArguments& call) {
    return {call.value[0], call.value[1], call.value[2], call.value[3], call.value[4]};
}

} // namespace chorale::c_os
