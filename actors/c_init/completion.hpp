// What a line that is not finished may become.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chorale::c_init {

// The whole line, once for each way to complete its last word: commands and programs in first place, paths
// elsewhere. Folders end with `/`. At most completion_limit, sorted.
inline constexpr std::size_t completion_limit = 256;
[[nodiscard]] std::vector<std::string> completions(std::string_view line);

} // namespace chorale::c_init
