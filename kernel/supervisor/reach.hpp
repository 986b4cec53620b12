// Which addresses of the supervisor range a caller may name in a nucleus call: all of them in supervisor
// mode, none in user mode. Unmapped ones make the copy fail as in user space.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

// Of the current thread.
[[nodiscard]] bool supervisor_reach(VirtAddr start, std::size_t bytes);

} // namespace chorale
