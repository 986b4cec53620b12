// Counters to compare with later ones, in both halves of the tests.
#pragma once

#include "check.hpp"

#include <chorus.h>

namespace chorale::test {

// The counts of objects, when nothing has changed any more for some milliseconds: what died just before is
// gone.
[[nodiscard]] KnSysStatistics settled_statistics();

// For the length of a case: regions and messages that it makes are gone at its end.
class Counted {
  public:
    explicit Counted(Report& report) : report_{report}, before_{settled_statistics()} {}
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted();

  private:
    Report& report_;
    KnSysStatistics before_;
};

} // namespace chorale::test
