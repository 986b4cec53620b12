// What the terminal's signal characters do, until there are signals to programs: Ctrl-C and Ctrl-\ end the
// processes of the group in the foreground.
#pragma once

#include "c_os/file/terminal.hpp"

namespace chorale::c_os {

[[nodiscard]] TerminalEvents& terminal_signals();

} // namespace chorale::c_os
