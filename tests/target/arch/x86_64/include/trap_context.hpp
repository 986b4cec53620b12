// What handlers want of a KnThreadCtx: x86-64.
#pragma once

#include <exec/chTrap.h>

namespace chorale::test {

inline unsigned long trap_call(const KnThreadCtx& context) { return context.rax; }
inline unsigned long trap_argument(const KnThreadCtx& context) { return context.rdi + context.r9; }
inline void change_registers(KnThreadCtx& context) {
    ++context.rbx;
    ++context.rsi;
    ++context.r15;
}
inline void set_trap_result(KnThreadCtx& context, unsigned long value) { context.rax = value; }

} // namespace chorale::test
