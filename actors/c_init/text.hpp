// Texts, as the commands need them.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace chorale::c_init {

// False: the text is not exactly a decimal number of that type.
template <class Number>
[[nodiscard]] bool parse_number(std::string_view text, Number& number) {
    const char* const end = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(text.data(), end, number);
    return result.ec == std::errc{} && result.ptr == end;
}

// What stands before the separator, or all of it; the text goes on behind it.
[[nodiscard]] inline std::string_view take_field(std::string_view& text, char separator) {
    const std::size_t place = text.find(separator);
    const std::string_view field = text.substr(0, place);
    text = place == text.npos ? std::string_view{} : text.substr(place + 1);
    return field;
}

// "no such file or directory" for an errno.
[[nodiscard]] std::string cause(int error);

// 0, or an errno; EFBIG: the file is larger than the limit.
[[nodiscard]] int read_file(const char* path, std::size_t limit, std::string& text);

} // namespace chorale::c_init
