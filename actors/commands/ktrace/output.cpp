#include "commands/ktrace/output.hpp"

#include <charconv>
#include <errno.h>
#include <unistd.h>

namespace chorale::ktrace {

Output::Output(int descriptor) : descriptor_{descriptor}, terminal_{isatty(descriptor) != 0} {}

void Output::flush() {
    std::string_view left = buffer_;
    while (!left.empty() && error_ == 0) {
        const std::size_t line = terminal_ ? left.find('\n') : left.npos;
        const ssize_t size = write(descriptor_, left.data(), line < left.size() ? line + 1 : left.size());
        if (size > 0)
            left.remove_prefix(static_cast<std::size_t>(size));
        else if (size == 0 || errno != EINTR)
            error_ = size == 0 ? EIO : errno;
    }
    written_ += buffer_.size();
    buffer_.clear();
}

namespace {

[[nodiscard]] std::string digits(std::uint64_t value, int base, std::size_t width) {
    char text[24];
    const std::to_chars_result end = std::to_chars(text, text + sizeof text, value, base);
    const std::string_view number{text, static_cast<std::size_t>(end.ptr - text)};
    std::string padded(width > number.size() ? width - number.size() : 0, '0');
    return padded += number;
}

[[nodiscard]] bool is_printable(char c) { return c >= ' ' && c <= '~'; }

} // namespace

std::string hex(std::uint64_t value) { return "0x" + digits(value, 16, 1); }

std::string microseconds(std::uint64_t nanoseconds) {
    return digits(nanoseconds / 1000, 10, 1) + "." + digits(nanoseconds % 1000, 10, 3);
}

std::string right(std::string text, std::size_t width) {
    if (text.size() < width) text.insert(0, width - text.size(), ' ');
    return text;
}

std::string left(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::string json(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        if (is_printable(c))
            quoted += c;
        else
            quoted += "\\u" + digits(static_cast<unsigned char>(c), 16, 4);
    }
    return quoted += '"';
}

std::string plain(std::string_view text) {
    std::string shown{text};
    for (char& c : shown) {
        if (!is_printable(c)) c = '?';
    }
    return shown;
}

std::string port(std::uint64_t head, std::uint64_t tail) {
    return digits(head, 16, 16) + ":" + digits(tail, 16, 16);
}

} // namespace chorale::ktrace
