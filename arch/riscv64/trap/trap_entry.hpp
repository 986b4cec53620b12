// Where traps of this hart go, from what use_call_entry() was told.
#pragma once

namespace chorale::machine {

void load_trap_entry();

} // namespace chorale::machine
