// Which of the system-call entries (arch/riscv64/call_entry.S) this machine uses.
#pragma once

#include "kernel/core/call_entry.hpp"

namespace chorale::machine {

// On this CPU, from its next entry on; by the first before the others are started, also on those.
void use_call_entry(CallEntry entry);

} // namespace chorale::machine
