// The dispatch tables of nucleus calls.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct Thread;

// Fills the table that the entry code reads. Once, before the first user thread.
void init_calls();

// All of them lead to `wrapper` from now on; null: to where they led before. On any CPU, while others call.
void wrap_calls(void (*wrapper)());
[[nodiscard]] void (*unwrapped_call(u64 number))();

// A continuation: the call with memory among its arguments that the thread is in begins again.
void begin_again(Thread& self);

} // namespace chorale
