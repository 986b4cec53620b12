// The console: a prompt, a line editor with history and completion.
#pragma once

#include "c_init/shell.hpp"

namespace chorale::c_init {

// Reads and runs lines until the end of file 0. At a terminal that end (Ctrl-D) is answered with a hint,
// unless the terminal is gone. Returns the last line's status.
int run_console(Shell& shell);

} // namespace chorale::c_init
