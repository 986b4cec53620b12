// The host machine's console: standard output. Nothing is ever typed.
#pragma once

#include <cstdio>

namespace chorale::machine {

enum class ConsolePort : unsigned char { com1, com2, none };

inline void select_console(ConsolePort) {}
inline void put(char character) { std::putchar(character); }
[[nodiscard]] inline int get() { return -1; }

}  // namespace chorale::machine
