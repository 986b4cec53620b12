// Formatted text to the console and the panic path. No allocation, callable from anywhere in the nucleus.
#pragma once

#include "kernel/base/format.hpp"

namespace chorale {

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
