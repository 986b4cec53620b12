// What handlers want of a KnThreadCtx: riscv64.
#pragma once

#include <exec/chTrap.h>

namespace chorale::test {

inline unsigned long trap_call(const KnThreadCtx& context) { return context.a7; }
inline unsigned long trap_argument(const KnThreadCtx& context) { return context.a0 + context.a5; }
inline void change_registers(KnThreadCtx& context) {
    ++context.s1;
    ++context.a3;
    ++context.t4;
}
inline void set_trap_result(KnThreadCtx& context, unsigned long value) { context.a0 = value; }

} // namespace chorale::test
