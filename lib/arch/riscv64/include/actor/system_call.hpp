// System calls that are not the nucleus's (K_TRAP_SYSTEMCALL, exec/chTrap.h), from both sides.
#pragma once

#include <chorus/machine_context.h>

namespace chorale::machine {

// By a program. What its handler makes of them; K_ENOTIMP where none is connected.
[[gnu::always_inline]] inline long system_call(unsigned long number, unsigned long argument) {
    register unsigned long a0 asm("a0") = argument;
    register unsigned long a7 asm("a7") = number;
    asm volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
    return static_cast<long>(a0);
}

// By the handler.
inline void set_system_call_result(KnThreadCtx& context, long result) {
    context.a0 = static_cast<unsigned long>(result);
}

} // namespace chorale::machine
