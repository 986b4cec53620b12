#include "c_init/terminal.hpp"

#include <initializer_list>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace chorale::c_init {

// Systems without process groups refuse some of this; then Ctrl-C reaches nobody, and the rest is the same.
void Terminal::attach() {
    if (isatty(STDIN_FILENO) == 0) return;
    setsid();
    ioctl(STDIN_FILENO, TIOCSCTTY, 0);
    attached_ = tcgetattr(STDIN_FILENO, &settings_) == 0;
}

void Terminal::lend(int aid) {
    if (attached_) tcsetpgrp(STDIN_FILENO, aid);
}

void Terminal::take_back() {
    if (!attached_) return;
    tcsetpgrp(STDIN_FILENO, getpgrp());
    tcsetattr(STDIN_FILENO, TCSADRAIN, &settings_);
}

void ignore_terminal_signals() {
    for (const int signal_number : {SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE})
        signal(signal_number, SIG_IGN);
}

} // namespace chorale::c_init
