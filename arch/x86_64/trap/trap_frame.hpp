// The registers as trap.S leaves them on the stack when the nucleus itself was interrupted.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

struct TrapFrame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    u64 vector, error;
    u64 rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(TrapFrame) == 22 * 8);

// What print_registers() and backtrace() start from; set by whoever is about to panic because of a trap.
extern const TrapFrame* panic_frame;

} // namespace chorale::machine
