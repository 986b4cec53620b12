// The terminal that C_INIT sits at: which actor has it, and in which state programs leave it.
//
// A program in the foreground is lent the terminal: the signals of its keys (Ctrl-C) go to the process group
// of that program, whose number is its aid. C_INIT itself ignores them.
#pragma once

#include <termios.h>

namespace chorale::c_init {

class Terminal {
  public:
    // Takes file 0, if that is a terminal, as the session's.
    void attach();
    [[nodiscard]] bool attached() const { return attached_; }

    void lend(int aid);
    // Back, with the settings that it had when it was attached.
    void take_back();

  private:
    bool attached_{};
    termios settings_{};
};

// From now on the keys' signals, and those of writing from the background, do nothing to this program.
void ignore_terminal_signals();

} // namespace chorale::c_init
