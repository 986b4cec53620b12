// Text to the system console. One call is one sysWrite, so lines of different threads do not mix.
// Directives: %s %c %d %i %u %x %p %%, with l, ll, z and h, a minimum width, '0' and '-'; the width may be
// '*'. No floating point.
#pragma once

#include <cstdarg>
#include <cstddef>

namespace chorale {

inline constexpr std::size_t line_limit = 512;

[[gnu::format(printf, 1, 2)]] void print(const char* format, ...);

// Writes at most `size` bytes with the NUL; returns the length that was kept.
[[gnu::format(printf, 3, 4)]] std::size_t format_text(char* buffer, std::size_t size, const char* format,
                                                      ...);
[[gnu::format(printf, 3, 0)]] std::size_t format_list(char* buffer, std::size_t size, const char* format,
                                                      std::va_list arguments);

} // namespace chorale
