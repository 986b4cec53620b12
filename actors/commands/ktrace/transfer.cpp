#include "commands/ktrace/transfer.hpp"

#include <array>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

namespace chorale::ktrace {

namespace {

constexpr std::size_t line_limit = 8192;

constexpr auto crc_table = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320 : value >> 1;
        table[byte] = value;
    }
    return table;
}();

void send_line(std::string_view text, Output& output) {
    char sum[16];
    const int size = snprintf(sum, sizeof sum, "%08x", static_cast<unsigned>(crc32(text)));
    const std::size_t blank = text.starts_with("end ") ? text.size() : text.find(' ');
    output << "=ktrace= " << text.substr(0, blank) << " "
           << std::string_view{sum, static_cast<std::size_t>(size)} << text.substr(blank) << "\n";
}

[[nodiscard]] bool is_sendable(std::string_view line) {
    for (const char c : line) {
        if (c < ' ' || c > '~') return false;
    }
    return line.size() <= line_limit;
}

} // namespace

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t value = 0xffffffff;
    for (const char c : bytes) value = crc_table[(value ^ static_cast<unsigned char>(c)) & 0xff] ^ value >> 8;
    return ~value;
}

int send_lines(int descriptor, std::uint64_t from, Output& output) {
    std::string line;
    std::uint64_t number = 0;
    const auto take = [&] {
        if (!is_sendable(line)) return false;
        if (number >= from) send_line(std::to_string(number) + " " + line, output);
        ++number;
        line.clear();
        return true;
    };
    for (;;) {
        char room[4096];
        const ssize_t size = read(descriptor, room, sizeof room);
        if (size < 0) return errno;
        if (size == 0) break;
        for (const char c : std::string_view{room, static_cast<std::size_t>(size)}) {
            if (c != '\n')
                line += c;
            else if (!take())
                return EILSEQ;
            if (line.size() > line_limit) return EILSEQ;
        }
    }
    if (!line.empty() && !take()) return EILSEQ;
    send_line("end " + std::to_string(number), output);
    output.flush();
    return output.error();
}

} // namespace chorale::ktrace
