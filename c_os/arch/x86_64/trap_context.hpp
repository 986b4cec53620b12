// Linux's system-call convention in the registers of an interrupted thread. x86-64.
#pragma once

#include "c_os/calls/arguments.hpp"
#include "formats/relocatable.hpp"

#include <chorus/machine_context.h>
#include <exec/chTrap.h>

#include <string_view>

namespace chorale::c_os {

inline constexpr std::string_view machine_name = "x86_64"; // uname -m
inline constexpr unsigned elf_machine = 62;

[[nodiscard]] inline u64 call_number(const KnThreadCtx& context) { return context.rax; }
[[nodiscard]] inline CallArguments call_arguments(const KnThreadCtx& context) {
    return {{context.rdi, context.rsi, context.rdx, context.r10, context.r8, context.r9}};
}
inline void set_result(KnThreadCtx& context, u64 result) { context.rax = result; }
inline void set_thread_pointer(KnThreadCtx& context, u64 pointer) { context.fsBase = pointer; }
[[nodiscard]] inline u64 thread_pointer(const KnThreadCtx& context) { return context.fsBase; }

// Of the relocations that linkers leave in a shared image: relative, absolute, global, jump.
inline constexpr RelocationKinds relocation_kinds{8, 1, 6, 7};

inline constexpr unsigned signal_action_size = 32; // of struct sigaction in system calls

// clone(flags, stack, parent_tid, child_tid, tls)
struct CloneArguments {
    u64 flags, stack, parent_tid, child_tid, thread_pointer;
};
[[nodiscard]] inline CloneArguments clone_arguments(const CallArguments& call) {
    return {call.value[0], call.value[1], call.value[2], call.value[3], call.value[4]};
}

} // namespace chorale::c_os
