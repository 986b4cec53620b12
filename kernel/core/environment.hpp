// The system environment: named strings shared by all actors. Few and short, so a fixed table under one lock.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus.h>

#include <string_view>

namespace chorale::environment {

inline constexpr unsigned entry_limit = 192;

// Errors: invalid (empty name, one with '=', or a fixed one), no_memory (too long, or the table is full).
[[nodiscard]] Status set(std::string_view name, std::string_view value);
// For ever: what the nucleus is made for. At boot.
void fix(std::string_view name, std::string_view value);
// Errors: unknown, invalid (fixed).
[[nodiscard]] Status unset(std::string_view name);
// Copies the value with its NUL into `buffer` of K_ENVVALUEMAX bytes; its size with the NUL. Errors: unknown.
[[nodiscard]] Result<unsigned> get(std::string_view name, char* buffer);

// For inspection: the name in an entry, with its NUL; empty: the entry is free.
void name_at(unsigned index, char (&name)[K_ENVNAMEMAX]);

} // namespace chorale::environment
