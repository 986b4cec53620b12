#include "kernel/base/line_log.hpp"

#include "kernel/base/spin_lock.hpp"

#include <algorithm>
#include <array>

namespace chorale {

namespace {

struct Circle {
    u64 written{}; // ever
    std::array<char, line_log_size> text;
};
Guarded<Rank::console, Circle> circle;

} // namespace

void append_to_log(std::string_view text) {
    circle.with([&](Circle& log) {
        for (const char character : text) log.text[log.written++ % line_log_size] = character;
    });
}

std::size_t read_log(u64& position, char* buffer, std::size_t size) {
    return circle.with([&](Circle& log) {
        const u64 oldest = log.written > line_log_size ? log.written - line_log_size : 0;
        position = std::clamp(position, oldest, log.written);
        const std::size_t count = std::min<u64>(size, log.written - position);
        for (std::size_t i = 0; i < count; ++i) buffer[i] = log.text[position++ % line_log_size];
        return count;
    });
}

} // namespace chorale
