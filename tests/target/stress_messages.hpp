// The cases of the suite stress, which share its seconds.
#pragma once

#include "check.hpp"

namespace chorale::test {

// How long each runs: smp.stress=<seconds> is for both together, but for one second at least.
[[nodiscard]] unsigned long stress_seconds();

void stress_messages(Report& report);

} // namespace chorale::test
