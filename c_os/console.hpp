// What C_OS says on the system console: a line each, for whoever runs the site.
#pragma once

#include "kernel/base/format.hpp"

namespace chorale::c_os {

void say_line(std::string_view format, const Argument* arguments, std::size_t count);
// Whether a line that a program has caused may be said now; says before how many could not.
[[nodiscard]] bool may_say();

template <class... Args>
void say(std::string_view format, const Args&... args) {
    const Argument list[] = {Argument{args}..., Argument{""}};
    say_line(format, list, sizeof...(args));
}

// What any program can cause, as often as it wants: some lines a second (base/line_limit.hpp).
template <class... Args>
void say_of_program(std::string_view format, const Args&... args) {
    if (may_say()) say(format, args...);
}

} // namespace chorale::c_os
