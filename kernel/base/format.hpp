// Formatted text. `{}` takes the next argument: integers in decimal, Hex{} in hexadecimal, text as it is. No
// allocation, no state: callable from anywhere, in the nucleus and in actors.
#pragma once

#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale {

struct Hex {
    u64 value;
};

class Argument {
  public:
    constexpr Argument(Hex hex) : kind_{Kind::hex}, number_{hex.value} {}
    constexpr Argument(std::string_view text) : kind_{Kind::text}, text_{text} {}
    constexpr Argument(const char* text) : kind_{Kind::text}, text_{text} {}
    template <std::signed_integral T>
    constexpr Argument(T value)
        : kind_{Kind::decimal}, number_{static_cast<u64>(static_cast<std::int64_t>(value))} {}
    template <std::unsigned_integral T>
    constexpr Argument(T value) : kind_{Kind::natural}, number_{value} {}

    enum class Kind : u8 { decimal, natural, hex, text };
    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] u64 number() const { return number_; }
    [[nodiscard]] std::string_view text() const { return text_; }

  private:
    Kind kind_;
    u64 number_{};
    std::string_view text_{};
};

// Writes the formatted text into `buffer`, cut at its end; returns the number of characters written.
std::size_t format_to(char* buffer, std::size_t size, std::string_view format, const Argument* arguments,
                      std::size_t count);

} // namespace chorale
