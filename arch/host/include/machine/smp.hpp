// The other CPUs.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {
struct PerCpu;
}

namespace chorale::machine {

// As many as host::Settings says, at most `limit`.
[[nodiscard]] unsigned discover_cpus(unsigned limit);

// Starts CPUs 1 to count-1; blocks[i] is the PerCpu of CPU i, for which set_cpu_block is done here. Each ends
// in chorale::nucleus_secondary(). Returns a bit set of the CPUs that run, CPU 0 included.
[[nodiscard]] u64 start_cpus(unsigned count, PerCpu* const* blocks);

[[nodiscard]] u32 hardware_id(CpuIndex index);

} // namespace chorale::machine
