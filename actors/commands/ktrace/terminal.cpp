#include "commands/ktrace/terminal.hpp"

#include <string_view>
#include <termios.h>
#include <unistd.h>

namespace chorale::ktrace {

namespace {

constexpr char interrupt = 3; // Ctrl-C
termios before;               // one terminal, one program

} // namespace

Keys::Keys(bool wanted) {
    if (!wanted || isatty(STDIN_FILENO) == 0 || tcgetpgrp(STDIN_FILENO) != getpgrp()) return;
    if (tcgetattr(STDIN_FILENO, &before) != 0) return;
    termios settings = before;
    settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    attached_ = tcsetattr(STDIN_FILENO, TCSANOW, &settings) == 0;
}

Keys::~Keys() {
    if (attached_) tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

int Keys::descriptor() const { return attached_ ? STDIN_FILENO : -1; }

bool Keys::want_end() {
    char keys[64];
    const ssize_t size = read(STDIN_FILENO, keys, sizeof keys);
    if (size <= 0) {
        attached_ = false; // nobody will type any more
        return false;
    }
    return std::string_view{keys, static_cast<std::size_t>(size)}.find(interrupt) != std::string_view::npos;
}

} // namespace chorale::ktrace
