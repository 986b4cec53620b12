// The host machine's console: standard output, and what a test says is typed.
#pragma once

#include "kernel/base/types.hpp"

#include <atomic>
#include <cstdio>

namespace chorale::machine {

// Set: what is written is lost, until something goes wrong (stop_others()).
inline bool console_silent = false;

enum class ConsolePort : unsigned char { com1, com2, none };

inline void select_console(ConsolePort) {}
inline void put(char character) {
    if (!console_silent) std::putchar(character);
}
// What comes next, up to its NUL; null: nothing. Under the lock of those that read.
inline std::atomic<const char*> console_typed{};
[[nodiscard]] inline int get() {
    const char* const next = console_typed.load();
    if (next == nullptr || *next == '\0') return -1;
    console_typed.store(next + 1);
    return static_cast<unsigned char>(*next);
}

// The line is raised when something is typed while somebody listens, or waits when he begins to.
inline constexpr unsigned no_line = ~0u;
[[nodiscard]] unsigned console_line();
void use_console_line(bool use); // before boot; false: there is none, and readers have to look
void console_listen(bool on);
void console_type(const char* text); // or null

}  // namespace chorale::machine
