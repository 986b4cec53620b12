// What C_OS says on the system console: a line each, for whoever runs the site.
#pragma once

#include "kernel/base/format.hpp"

namespace chorale::c_os {

void say_line(std::string_view format, const Argument* arguments, std::size_t count);

template <class... Args>
void say(std::string_view format, const Args&... args) {
    const Argument list[] = {Argument{args}..., Argument{""}};
    say_line(format, list, sizeof...(args));
}

} // namespace chorale::c_os
