// The formatter of print.hpp.
#include "print.hpp"

#include <chorus.h>

#include <cstdint>

namespace chorale {
namespace {

struct Directive {
    bool left{}, zero{};
    unsigned width{};
    unsigned longs{};
    char conversion{};
};

class Writer {
  public:
    Writer(char* buffer, std::size_t size) : buffer_{buffer}, room_{size == 0 ? 0 : size - 1} {}

    void put(char c) {
        if (length_ < room_) {
            buffer_[length_++] = c;
        }
    }

    void put(const char* text, std::size_t length, const Directive& directive) {
        const std::size_t fill = directive.width > length ? directive.width - length : 0;
        for (std::size_t i = 0; !directive.left && i < fill; ++i) {
            put(directive.zero ? '0' : ' ');
        }
        for (std::size_t i = 0; i < length; ++i) {
            put(text[i]);
        }
        for (std::size_t i = 0; directive.left && i < fill; ++i) {
            put(' ');
        }
    }

    void put_number(std::uint64_t value, bool negative, unsigned base, Directive directive) {
        char digits[24];
        std::size_t at = sizeof(digits);
        do {
            digits[--at] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value != 0);
        if (negative && directive.zero) {
            put('-');
            directive.width -= directive.width != 0 ? 1U : 0U;
        } else if (negative) {
            digits[--at] = '-';
        }
        put(digits + at, sizeof(digits) - at, directive);
    }

    [[nodiscard]] std::size_t finish() {
        buffer_[length_] = '\0';
        return length_;
    }

  private:
    char* buffer_;
    std::size_t room_;
    std::size_t length_{};
};

const char* parse(const char* at, Directive& directive, std::va_list* arguments) {
    for (;; ++at) {
        if (*at == '-') {
            directive.left = true;
        } else if (*at == '0') {
            directive.zero = true;
        } else {
            break;
        }
    }
    if (*at == '*') {
        directive.width = static_cast<unsigned>(va_arg(*arguments, int));
        ++at;
    }
    for (; *at >= '0' && *at <= '9'; ++at) {
        directive.width = directive.width * 10 + static_cast<unsigned>(*at - '0');
    }
    for (; *at == 'l' || *at == 'z' || *at == 'h'; ++at) {
        directive.longs += *at == 'h' ? 0U : 1U;
    }
    directive.conversion = *at;
    return *at == '\0' ? at : at + 1;
}

void convert(Writer& writer, const Directive& directive, std::va_list* arguments) {
    switch (directive.conversion) {
    case 's': {
        const char* text = va_arg(*arguments, const char*);
        writer.put(text, __builtin_strlen(text), directive);
        break;
    }
    case 'c': {
        const char c = static_cast<char>(va_arg(*arguments, int));
        writer.put(&c, 1, directive);
        break;
    }
    case 'd':
    case 'i': {
        const std::int64_t value = directive.longs != 0 ? va_arg(*arguments, long) : va_arg(*arguments, int);
        const auto magnitude = static_cast<std::uint64_t>(value);
        writer.put_number(value < 0 ? -magnitude : magnitude, value < 0, 10, directive);
        break;
    }
    case 'u':
    case 'x': {
        const std::uint64_t value =
            directive.longs != 0 ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned);
        writer.put_number(value, false, directive.conversion == 'x' ? 16 : 10, directive);
        break;
    }
    case 'p':
        writer.put("0x", 2, {});
        writer.put_number(reinterpret_cast<std::uintptr_t>(va_arg(*arguments, void*)), false, 16, directive);
        break;
    default:
        writer.put(directive.conversion);
    }
}

} // namespace

std::size_t format_list(char* buffer, std::size_t size, const char* format, std::va_list arguments) {
    std::va_list list;
    va_copy(list, arguments);
    Writer writer{buffer, size};
    while (*format != '\0') {
        if (*format != '%') {
            writer.put(*format++);
            continue;
        }
        Directive directive;
        format = parse(format + 1, directive, &list);
        if (directive.conversion != '\0') {
            convert(writer, directive, &list);
        }
    }
    va_end(list);
    return writer.finish();
}

std::size_t format_text(char* buffer, std::size_t size, const char* format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    const std::size_t length = format_list(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

void print(const char* format, ...) {
    char line[line_limit];
    std::va_list arguments;
    va_start(arguments, format);
    const std::size_t length = format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    sysWrite(line, static_cast<unsigned>(length));
}

} // namespace chorale
