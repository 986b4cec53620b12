// The host machine's console: standard output. Nothing is ever typed.
#pragma once

#include <cstdio>

namespace chorale::machine {

// Set: what is written is lost, until something goes wrong (stop_others()).
inline bool console_silent = false;

enum class ConsolePort : unsigned char { com1, com2, none };

inline void select_console(ConsolePort) {}
inline void put(char character) {
    if (!console_silent) std::putchar(character);
}
[[nodiscard]] inline int get() { return -1; }

}  // namespace chorale::machine
