// Formatted text to the console and the panic path. `{}` takes the next argument: integers in decimal, Hex{}
// in hexadecimal, text as it is. No allocation, callable from anywhere in the nucleus.
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

// Text for the console, in one piece, at most 256 characters. It is sent before the CPU leaves the nucleus,
// in slices between which interrupts come in; during boot at once.
void console_write(std::string_view text);
// From now on console_write() only calls `note`, and console_send() has to be called until it says true.
void console_defer(void (*note)());

// The two halves, for who wants to do other things in between. The end of the text in the stream of all
// characters, or 0: there is no room now.
[[nodiscard]] u64 console_append(std::string_view text);
// Sends a slice; whether all up to `end` has been sent.
inline constexpr u64 console_everything = ~u64{0};
[[nodiscard]] bool console_send(u64 end);
void console_flush();        // sends all: the machine is about to end
void console_abandon_lock(); // the same for panic(): whoever held the lock has been stopped

void log_line(std::string_view format, const Argument* arguments, std::size_t count);

template <class... Args>
void log(std::string_view format, const Args&... args) {
    const Argument list[] = {Argument{args}..., Argument{""}};
    log_line(format, list, sizeof...(args));
}

// Stops every CPU, prints `@panic`, the reason, registers and backtrace, `@endpanic`, and ends the machine.
[[noreturn]] void panic(std::string_view reason, u64 value = 0);

// The text stays a pointer until it is needed: a string_view would measure it at every call.
inline void require(bool condition, const char* reason) {
    if (!condition) [[unlikely]]
        panic(reason);
}

} // namespace chorale
