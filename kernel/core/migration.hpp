// Handing a thread over from its CPU to another.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct Thread;

// From this CPU, which owns `thread`, to `cpu`. The thread's own Request must be home: it carries the thread.
// Errors: no_memory (the thread takes part in an exchange that must be remembered; nothing has changed).
[[nodiscard]] Status move_thread(Thread& thread, CpuIndex cpu);

} // namespace chorale
