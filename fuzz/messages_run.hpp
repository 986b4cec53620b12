// Runs a plan on the host machine and compares what arrives with what was sent.
#pragma once

#include "fuzz/messages_plan.hpp"

namespace chorale::fuzz {

// Boots at the first call. Ends the process when something is not as it must be. `trace`: each message is
// written to standard output.
void run(const Plan& plan, bool trace);

} // namespace chorale::fuzz
