// System calls that are not the nucleus's (K_TRAP_SYSTEMCALL, exec/chTrap.h), from both sides.
#pragma once

#include <chorus/machine_context.h>

namespace chorale::machine {

// By a program. What its handler makes of them; K_ENOTIMP where none is connected.
[[gnu::always_inline]] inline long system_call(unsigned long number, unsigned long argument) {
    unsigned long result;
    asm volatile("syscall" : "=a"(result) : "a"(number), "D"(argument) : "rcx", "r11", "memory");
    return static_cast<long>(result);
}

// By the handler.
inline void set_system_call_result(KnThreadCtx& context, long result) {
    context.rax = static_cast<unsigned long>(result);
}

} // namespace chorale::machine
