// What the nucleus calls are named, for traces and reports; from the call list.
#pragma once

#include <string_view>

namespace chorale {

// "unknown call" for a number that no call has.
[[nodiscard]] std::string_view call_name(unsigned number);

} // namespace chorale
