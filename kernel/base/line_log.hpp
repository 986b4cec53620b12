// The nucleus's log: the last lines that anybody wrote to it, oldest first, in memory that is used in a
// circle.
#pragma once

#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale {

inline constexpr std::size_t line_log_size = 16 * 1024;

void append_to_log(std::string_view text);

// Copies what follows `position` (characters ever written), at most `size`; `position` goes behind it. What
// is older than the log remembers is left out.
[[nodiscard]] std::size_t read_log(u64& position, char* buffer, std::size_t size);

} // namespace chorale
