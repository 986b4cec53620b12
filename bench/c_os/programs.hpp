// What starting programs costs, and how many there can be.
#pragma once

#include "measures.hpp"

namespace chorale::bench {

// cos.spawn: from afexecve() of a program that prints a line to the end of awaits() for its end.
void measure_spawn(const Context& context);

// Starts programs that wait until there is no room for another, or `most` of them are there, and prints how
// many there are as the run's `actors`. Last of all: they stay.
[[nodiscard]] bool count_actors(const Context& context);

} // namespace chorale::bench
