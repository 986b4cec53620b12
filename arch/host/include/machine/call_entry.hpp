// Which way messages enter the nucleus.
#pragma once

namespace chorale::machine {

// Before the other CPUs are started. `fast_path` off: messages take the slow path always.
void use_call_entry(bool fast_path);

} // namespace chorale::machine
