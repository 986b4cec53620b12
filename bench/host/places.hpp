// The host CPUs that the benchmarks run on.
#pragma once

namespace chorale::bench {

// The first is where benchmarks are measured; the second, if there is one, is for whoever answers them.
struct Places {
    unsigned first, second;
    bool two;
};
[[nodiscard]] const Places& places();

// The calling thread stays there from now on.
void stay_on(unsigned place);

} // namespace chorale::bench
