// A device tree as a row of tokens, for the mutator: easy to change, and flattened again with all offsets
// right.
#pragma once

#include "fuzz/target.hpp"

#include <string>
#include <vector>

namespace chorale::fuzz {

struct Token {
    enum class Kind : std::uint8_t { begin, property, end } kind = Kind::property;
    std::string name;
    std::string value; // of a property
};

struct Tokens {
    std::vector<Token> structure;
    std::vector<std::uint64_t> reservations; // address and length in turns
};

// What can be made out of a tree that may be damaged.
[[nodiscard]] Tokens tokens_of(formats::Bytes tree);

void change(Tokens& tokens, Chance& chance);

[[nodiscard]] std::vector<std::uint8_t> flattened(const Tokens& tokens);

} // namespace chorale::fuzz
