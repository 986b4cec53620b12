// Which way messages enter the nucleus.
#pragma once

#include "kernel/core/call_entry.hpp"

namespace chorale::machine {

// On this CPU, from its next entry on; by the first before the others are started, also on those.
void use_call_entry(CallEntry entry);

// The tables stay as they are: the dispatcher itself asks chorale_traced_gate().
inline constexpr void (*traced_gate)() = nullptr;

} // namespace chorale::machine
