// The one formatter. No memory, no lock and no state: it runs in a panic too.
#include "kernel/base/format.hpp"

namespace chorale {

namespace {

// Text that is cut at the end of its buffer.
class Output {
  public:
    Output(char* buffer, std::size_t size) : buffer_{buffer}, size_{size} {}

    void put(char character) {
        if (length_ < size_) buffer_[length_++] = character;
    }
    void put(std::string_view text) {
        for (const char character : text) put(character);
    }
    void put_number(u64 value, unsigned base) {
        char digits[20]; // as many as the largest number has in decimal
        unsigned count = 0;
        do {
            digits[count++] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value != 0);
        while (count != 0) put(digits[--count]);
    }
    void put_argument(const Argument& argument) {
        const u64 number = argument.number();
        switch (argument.kind()) {
        case Argument::Kind::text:
            put(argument.text());
            break;
        case Argument::Kind::natural:
            put_number(number, 10);
            break;
        case Argument::Kind::hex:
            put("0x");
            put_number(number, 16);
            break;
        case Argument::Kind::decimal:
            if (static_cast<std::int64_t>(number) < 0) {
                put('-');
                put_number(-number, 10); // unsigned: right for the most negative number too
            } else {
                put_number(number, 10);
            }
            break;
        }
    }
    [[nodiscard]] std::size_t length() const { return length_; }

  private:
    char* buffer_;
    std::size_t size_;
    std::size_t length_{};
};

} // namespace

// `{{` and `}}` are the braces themselves. A `{}` without an argument stays as it is, so that the mistake is
// seen; arguments without a `{}` are left out.
std::size_t format_to(char* buffer, std::size_t size, std::string_view format, const Argument* arguments,
                      std::size_t count) {
    Output output{buffer, size};
    std::size_t used = 0;
    for (std::size_t i = 0; i < format.size(); ++i) {
        const char character = format[i];
        const char next = i + 1 < format.size() ? format[i + 1] : '\0';
        if (character == '{' && next == '}' && used < count) {
            output.put_argument(arguments[used++]);
            ++i;
        } else {
            output.put(character);
            if ((character == '{' || character == '}') && next == character) ++i;
        }
    }
    return output.length();
}

} // namespace chorale
