// The machine's half of chorus/message.hpp: one nucleus call with the eight message registers.
//
// Context: the nucleus keeps sp, gp, tp, s0 and the floating-point registers, and loses the rest. A word
// register without a word to send keeps whatever it holds, and the receiver can see that: a server that must
// not leak sends all eight words.
#pragma once

#include <arch/transfer.hpp>
#include <chorus/message_registers.h>
#include <chorus/types.h>

#include <cstdint>

namespace chorus::machine {

[[nodiscard, gnu::always_inline]] constexpr std::uint64_t call_index(std::uint64_t control) {
    return control >> MESSAGE_NUMBER_SHIFT & 0xff;
}

// Performs the call whose control word (number, size, flags) is given, with the first Sent words. Returns a0.
template <unsigned Sent>
[[gnu::always_inline]] inline long transfer(std::uint64_t control, Transfer& t) {
    static_assert(Sent <= 8);
    CHORUS_WORD(0, t3)
    CHORUS_WORD(1, t4)
    CHORUS_WORD(2, t5)
    CHORUS_WORD(3, t6)
    CHORUS_WORD(4, s2)
    CHORUS_WORD(5, s3)
    CHORUS_WORD(6, s4)
    CHORUS_WORD(7, s5)
#undef CHORUS_WORD
    register long result asm("a0");
    register std::uint64_t first asm("a1") = t.first;
    register std::uint64_t second asm("a2") = t.second;
    register std::uint64_t a3 asm("a3") = control;
    register std::uint64_t descriptor asm("s1") = 0;
    register std::uint64_t number asm("a7") = static_cast<std::uint64_t>(MESSAGE_CALL_NUMBER);
    if (call_index(control) == MESSAGE_REPLY_RECEIVE) {
        // Not for the compiler to compute: as a constant it takes two instructions.
        asm("slli %0, %1, %2" : "=r"(number), "+r"(a3) : "i"(MESSAGE_REPLY_SHIFT));
    } else if (call_index(control) != MESSAGE_CALL) {
        number = CHORUS_CALL_BASE + call_index(control);
    }
    asm volatile("ecall"
                 : "=r"(result), "+r"(first), "+r"(second), "+r"(a3), "+r"(descriptor), "+r"(number),
                   "+r"(w0), "+r"(w1), "+r"(w2), "+r"(w3), "+r"(w4), "+r"(w5), "+r"(w6), "+r"(w7)
                 :
                 : "ra", "t0", "t1", "t2", "a4", "a5", "a6", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
    t = {{w0, w1, w2, w3, w4, w5, w6, w7}, first, second};
    return result;
}

} // namespace chorus::machine
