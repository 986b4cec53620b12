#include "c_os/console.hpp"

#include "c_os/base/line_limit.hpp"

#include <exec/chIo.h>

namespace chorale::c_os {

namespace {

constinit LineLimit limit;

} // namespace

bool may_say() {
    const std::optional<u64> suppressed = limit.admit(now());
    if (suppressed && *suppressed != 0) say("{} lines like the next one left out", *suppressed);
    return suppressed.has_value();
}

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
