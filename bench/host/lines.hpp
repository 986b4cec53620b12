// What comes from another CPU cannot be faster than a cache line travels: a round trip of a bare line between
// the same two threads is measured right before and told beside it: counter `line`, and `lines`, how many of
// those it took.
#pragma once

#include "bench/host/meter.hpp"

namespace chorale::bench {

[[nodiscard]] double line_round_trip();
void tell_lines(benchmark::State& state, double line);

// That round trip as a benchmark of its own.
void measure_line(benchmark::State& state);

} // namespace chorale::bench
