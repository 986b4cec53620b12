// What both halves of the tests wait with, and counters to compare with later ones.
#pragma once

#include "check.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

namespace chorale::test {

inline constexpr unsigned patience = 30000; // milliseconds after which something that must happen has not

// Polls until `condition()` holds; false when the time is over.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition, unsigned milliseconds = patience) {
    for (unsigned waited = 0; !condition(); ++waited) {
        if (waited == milliseconds) {
            return false;
        }
        sleep_milliseconds(1);
    }
    return true;
}

// The counts of objects, when nothing has changed any more for some milliseconds: what died just before is
// gone.
[[nodiscard]] KnSysStatistics settled_statistics();

// As many of each kind as before; the memory is another matter.
void check_same_objects(Report& report, const KnSysStatistics& before, const KnSysStatistics& after);

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
