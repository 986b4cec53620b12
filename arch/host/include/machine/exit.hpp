// The ways out of nucleus code that has no stack to go back to: a jump to where the CPU began.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/frame.hpp>

namespace chorale::machine {

// To user mode with `frame`, in the space of `root`.
[[noreturn]] void resume(const Frame& frame, u64 root);

// Forgets everything on this CPU's stack and calls `next` on it.
[[noreturn]] void on_cpu_stack(void (*next)());

} // namespace chorale::machine
