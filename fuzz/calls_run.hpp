// Runs a script on the host machine and looks at what is left of it.
#pragma once

#include "fuzz/calls_script.hpp"

namespace chorale::fuzz {

// Boots at the first call. Ends the process when something is not as it must be: a run that does not come to
// its end, an error that the call does not have, something left behind, a broken invariant. `trace`: each
// call is written to standard output.
void run(const Script& script, bool trace);

} // namespace chorale::fuzz
