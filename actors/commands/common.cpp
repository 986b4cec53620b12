#include "commands/common.hpp"

#include <exec/chError.h>

#include <charconv>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vector>

namespace chorale::commands {

namespace {

[[gnu::format(printf, 1, 0)]] void say(const char* format, va_list arguments) {
    fflush(stdout);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

[[nodiscard]] int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

[[nodiscard]] bool parse_half(std::string_view text, std::uint64_t& half) {
    const std::from_chars_result result = std::from_chars(text.data(), text.data() + text.size(), half, 16);
    return result.ec == std::errc{} && result.ptr == text.data() + text.size();
}

} // namespace

void fail(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    exit(1);
}

void misuse(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s --help tells more\n", program_invocation_short_name);
    exit(2);
}

const char* reason(long error) { return strSysError(static_cast<int>(error)); }

void finish(int status) {
    if (fflush(stdout) != 0 || ferror(stdout) != 0) fail("output: %s", strerror(errno));
    exit(status);
}

// ---- options ----------------------------------------------------------------------------------------------

Options::Options(int argc, char** argv, const char* usage, std::span<const Option> known)
    : argc_{argc}, argv_{argv}, usage_{usage}, known_{known} {
    letters_ = "+"; // options come first: operands may look like some
    for (const Option& option : known) {
        letters_ += option.letter;
        if (option.takes_value) letters_ += ':';
    }
}

int Options::next() {
    constexpr int help = 256;
    std::vector<::option> names;
    for (const Option& option : known_)
        names.push_back(
            {option.name, option.takes_value ? required_argument : no_argument, nullptr, option.letter});
    names.push_back({"help", no_argument, nullptr, help});
    names.push_back({nullptr, 0, nullptr, 0});
    letter_ = getopt_long(argc_, argv_, letters_.c_str(), names.data(), nullptr);
    if (letter_ == help) {
        fputs(usage_, stdout);
        finish(0);
    }
    if (letter_ == '?') {
        fprintf(stderr, "%s --help tells more\n", program_invocation_short_name);
        exit(2);
    }
    return letter_;
}

std::string_view Options::value() const { return optarg == nullptr ? std::string_view{} : optarg; }

long long Options::number(long long least, long long most) const {
    const std::string_view text = value();
    long long number = 0;
    const std::from_chars_result result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec != std::errc{} || result.ptr != text.data() + text.size() || number < least ||
        number > most)
        misuse("-%c: `%s` is not a number of %lld to %lld", letter_, optarg, least, most);
    return number;
}

std::span<char* const> Options::operands() const {
    return std::span{argv_, static_cast<std::size_t>(argc_)}.subspan(static_cast<std::size_t>(optind));
}

// ---- names ------------------------------------------------------------------------------------------------

std::string text(const KnUniqueId& name) {
    char digits[40];
    snprintf(digits, sizeof digits, "%016llx:%016llx", static_cast<unsigned long long>(name.uiHead),
             static_cast<unsigned long long>(name.uiTail));
    return digits;
}

bool parse_name(std::string_view text, KnUniqueId& name) {
    const std::size_t colon = text.find(':');
    if (colon == text.npos) return false;
    return parse_half(text.substr(0, colon), name.uiHead) && parse_half(text.substr(colon + 1), name.uiTail);
}

KnUniqueId port_name(std::string_view word) {
    KnUniqueId name{};
    if (!parse_name(word, name))
        misuse("`%.*s` is not the name of a port (head:tail, hexadecimal)", static_cast<int>(word.size()),
               word.data());
    return name;
}

// ---- messages ---------------------------------------------------------------------------------------------

bool parse_hex(std::string_view text, std::string& bytes) {
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ' || text[i] == '\n' || text[i] == '\t') {
            ++i;
            continue;
        }
        if (i + 1 == text.size() || digit(text[i]) < 0 || digit(text[i + 1]) < 0) return false;
        bytes += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
        i += 2;
    }
    return true;
}

std::string printable(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        if (c >= ' ' && c <= '~' && c != '\\') {
            text += c;
            continue;
        }
        char escaped[8];
        if (c == '\n')
            snprintf(escaped, sizeof escaped, "\\n");
        else if (c == '\\')
            snprintf(escaped, sizeof escaped, "\\\\");
        else
            snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
        text += escaped;
    }
    return text;
}

std::string hex_dump(std::string_view bytes) {
    constexpr std::size_t width = 16;
    std::string text;
    for (std::size_t offset = 0; offset < bytes.size(); offset += width) {
        const std::string_view row = bytes.substr(offset, width);
        char piece[24];
        snprintf(piece, sizeof piece, "  %06zx ", offset);
        text += piece;
        std::string characters;
        for (std::size_t i = 0; i < width; ++i) {
            if (i < row.size()) {
                snprintf(piece, sizeof piece, " %02x", static_cast<unsigned char>(row[i]));
                characters += row[i] >= ' ' && row[i] <= '~' ? row[i] : '.';
            } else {
                snprintf(piece, sizeof piece, "   ");
            }
            text += piece;
        }
        text += "  " + characters + "\n";
    }
    return text;
}

} // namespace chorale::commands
