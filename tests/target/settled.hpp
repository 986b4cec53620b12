// Counters to compare with later ones, in both halves of the tests.
#pragma once

#include <chorus.h>

namespace chorale::test {

// The counts of objects, when nothing has changed any more for some milliseconds: what died just before is
// gone.
[[nodiscard]] KnSysStatistics settled_statistics();

} // namespace chorale::test
