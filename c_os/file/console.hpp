// The system's console as a terminal: /dev/console.
#pragma once

#include "c_os/file/terminal.hpp"

namespace chorale::c_os {

// Makes it and registers its device. Errors: enomem.
[[nodiscard]] Done start_console(TerminalEvents* events);
[[nodiscard]] Ref<Terminal> console();
// Feeds it with what is typed; a thread of its own does this. Ends when the nucleus aborts the thread's wait.
void read_console_input();

} // namespace chorale::c_os
