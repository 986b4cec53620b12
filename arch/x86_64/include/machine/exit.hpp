// The ways out of nucleus code that has no stack to go back to.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/frame.hpp>

namespace chorale::machine {

// To user mode with `frame`, in the space of `root` (loaded when it is not what CPU_SPACE_ROOT says). A
// program counter outside user space makes the thread fault at user_limit() instead of faulting the nucleus.
extern "C" [[noreturn]] void chorale_resume(const Frame* frame, u64 root);
[[noreturn, gnu::always_inline]] inline void resume(const Frame& frame, u64 root) {
    chorale_resume(&frame, root);
}

// Forgets everything on this CPU's stack and calls `next` on it.
extern "C" [[noreturn]] void chorale_on_cpu_stack(void (*next)());
[[noreturn]] inline void on_cpu_stack(void (*next)()) { chorale_on_cpu_stack(next); }

} // namespace chorale::machine
