// Which of the system-call entries (arch/x86_64/call_entry.S) this machine uses.
#pragma once

#include "kernel/core/call_entry.hpp"

namespace chorale::machine {

// On this CPU, from its next entry on; by the first before the others are started, also on those.
void use_call_entry(CallEntry entry);

// What an entry of the tables of calls may be instead of a call: tells chorale_traced_gate() which one it is.
extern "C" void chorale_gate_wrapper();
inline constexpr void (*traced_gate)() = chorale_gate_wrapper;

} // namespace chorale::machine
