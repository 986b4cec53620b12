// Which way messages enter the nucleus.
#pragma once

#include "kernel/core/call_entry.hpp"

namespace chorale::machine {

// On this CPU, from its next entry on; by the first before the others are started, also on those.
void use_call_entry(CallEntry entry);

} // namespace chorale::machine
