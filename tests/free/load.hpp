// One run of the load: the town opens, lives for run_seconds(), and is gone.
#pragma once

#include "tests/free/town.hpp"

namespace chorale::test {

// Fails the test when something was wrong on the way, or is left behind.
void run_load(Town& town);

} // namespace chorale::test
