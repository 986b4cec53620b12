#include "c_os/console.hpp"

#include <exec/chIo.h>

namespace chorale::c_os {

void say_line(std::string_view format, const Argument* arguments, std::size_t count) {
    constexpr std::string_view prefix = "C_OS: ";
    char line[256];
    prefix.copy(line, prefix.size());
    const std::size_t room = sizeof line - prefix.size() - 1;
    const std::size_t length =
        prefix.size() + format_to(line + prefix.size(), room, format, arguments, count);
    line[length] = '\n';
    sysWrite(line, static_cast<unsigned>(length + 1));
}

} // namespace chorale::c_os
