// The serial console; output is polled: 115200 baud, 8 bits, no parity.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

enum class ConsolePort : u8 { com1, com2, none };

// A port that does not answer is not used.
void select_console(ConsolePort port);
void put(char character);
[[nodiscard]] int get(); // -1: nothing was typed

// The device line that is up while something typed waits to be taken and somebody listens.
inline constexpr unsigned no_line = ~0u;
[[nodiscard]] unsigned console_line(); // no_line: there is none
void console_listen(bool on);

} // namespace chorale::machine
