// Which addresses outside user space a caller may name in a nucleus call: the supervisor range in supervisor
// mode, the handler's stack too at interrupt level, none in user mode. Unmapped ones make the copy fail.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

// Of the current thread.
[[nodiscard]] bool supervisor_reach(VirtAddr start, std::size_t bytes);

} // namespace chorale
