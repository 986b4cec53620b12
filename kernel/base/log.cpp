#include "kernel/base/log.hpp"

#include "kernel/base/spin_lock.hpp"

#include <machine/console.hpp>

namespace chorale {

namespace {
constinit SpinLock console_lock;
}

void console_write(std::string_view text) {
    console_lock.lock();
    for (const char character : text) {
        if (character == '\n') machine::put('\r');
        machine::put(character);
    }
    console_lock.unlock();
}

void log_line(std::string_view format, const Argument* arguments, std::size_t count) {
    char line[256];
    std::size_t length = format_to(line, sizeof line - 1, format, arguments, count);
    line[length++] = '\n';
    console_write({line, length});
}

} // namespace chorale
