// Binary search over lines: a probe in the middle of a line moves to the line's start.
#include "kernel/main/symbols.hpp"

#include <optional>

namespace chorale::symbols {

namespace {

constexpr std::size_t digits = 16;
constexpr u64 reach = 64 << 10; // further from a symbol than this is not in it

constinit std::string_view known{};

[[nodiscard]] std::optional<u64> address_at(std::string_view line) {
    if (line.size() < digits + 2 || line[digits] != ' ') return std::nullopt;
    u64 value = 0;
    for (const char c : line.substr(0, digits)) {
        unsigned digit;
        if (c >= '0' && c <= '9') {
            digit = static_cast<unsigned>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = static_cast<unsigned>(c - 'a') + 10;
        } else {
            return std::nullopt;
        }
        value = value << 4 | digit;
    }
    return value;
}

// The line around `position`, without its end.
[[nodiscard]] std::string_view line_around(std::string_view file, std::size_t position, std::size_t& begin) {
    const std::size_t before = position == 0 ? std::string_view::npos : file.rfind('\n', position - 1);
    begin = before == std::string_view::npos ? 0 : before + 1;
    const std::size_t end = file.find('\n', begin);
    file.remove_prefix(begin);
    return end == std::string_view::npos ? file : file.substr(0, end - begin);
}

} // namespace

void use(formats::Bytes file) { known = formats::characters(file); }

Place find(u64 address) { return find_in(known, address); }

Place find_in(std::string_view file, u64 address) {
    // Invariant: the wanted line, when there is one, is `best` or begins in [low, high).
    std::size_t low = 0, high = file.size();
    Place best{};
    while (low < high) {
        std::size_t begin;
        const std::string_view line = line_around(file, low + (high - low) / 2, begin);
        const std::optional<u64> at = address_at(line);
        if (!at) return {};
        if (*at <= address) {
            best = {{line.data() + digits + 1, line.size() - digits - 1}, address - *at};
            low = begin + line.size() + 1;
        } else {
            if (begin <= low) break;
            high = begin;
        }
    }
    return best.offset < reach ? best : Place{};
}

} // namespace chorale::symbols
