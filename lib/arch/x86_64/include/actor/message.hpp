// The machine's half of chorus/message.hpp: one system call with the eight message registers.
//
// Context: the nucleus keeps rbx, rbp, rsp and the vector registers, and loses the rest. A word register
// without a word to send keeps whatever it holds, and the receiver can see that: a server that must not
// leak sends all eight words.
#pragma once

#include <arch/transfer.hpp>
#include <chorus/message_registers.h>
#include <chorus/types.h>

#include <cstdint>

namespace chorus::machine {

// Performs the call whose control word (number, size, flags) is given, with the first Sent words. Returns
// rax.
template <unsigned Sent>
[[gnu::always_inline]] inline long transfer(std::uint64_t control, Transfer& t) {
    static_assert(Sent <= 8);
    CHORUS_WORD(0, r12)
    CHORUS_WORD(1, r13)
    CHORUS_WORD(2, r14)
    CHORUS_WORD(3, r15)
    CHORUS_WORD(4, rdi)
    CHORUS_WORD(5, rsi)
    CHORUS_WORD(6, rdx)
    CHORUS_WORD(7, r8)
#undef CHORUS_WORD
    register std::uint64_t first asm("r9") = t.first;
    register std::uint64_t second asm("r10") = t.second;
    register std::uint64_t result asm("rax") = control;
    register std::uint64_t descriptor asm("rbx") = 0;
    asm volatile("syscall"
                 : "+r"(result), "+r"(first), "+r"(second), "+r"(w0), "+r"(w1), "+r"(w2), "+r"(w3), "+r"(w4),
                   "+r"(w5), "+r"(w6), "+r"(w7)
                 : "r"(descriptor)
                 : "rcx", "r11", "memory", "cc");
    t = {{w0, w1, w2, w3, w4, w5, w6, w7}, first, second};
    return static_cast<long>(result);
}

} // namespace chorus::machine
