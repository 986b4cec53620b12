// What the machines' halves of chorus/message.hpp (<actor/message.hpp>) have in common: a message as values
// before and after a call, and the way of its words into registers.
#pragma once

#include <cstdint>

namespace chorus::machine {

struct Transfer {
    std::uint64_t word[8];
    std::uint64_t first;  // in: head of the port's UI, or the port's local id; out: the port's local id
    std::uint64_t second; // in: tail of the port's UI, or the delay; out: sequence number
};

} // namespace chorus::machine

// In a template of the number of words that are Sent, with the Transfer `t`: the variable w<index> in that
// register. For a word that is not sent "some value" costs no instruction.
#define CHORUS_WORD(index, reg)                                                                              \
    register std::uint64_t w##index asm(#reg);                                                               \
    if constexpr ((index) < Sent) {                                                                          \
        w##index = t.word[index];                                                                            \
    } else {                                                                                                 \
        asm volatile("" : "=r"(w##index));                                                                   \
    }
