// The other CPUs.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {
struct PerCpu;
}

namespace chorale::machine {

// How many CPUs can be started, this one included and counted: at most `limit`, at least 1. CPU 0 is the boot
// CPU, the others follow in the order of the firmware's table.
[[nodiscard]] unsigned discover_cpus(unsigned limit);

// Starts CPUs 1 to count-1; blocks[i] is the PerCpu of CPU i, for which set_cpu_block is done here. Each ends
// in chorale::nucleus_secondary() on its own stack with interrupts off. `blocks` must stay valid for ever.
// Returns a bit set of the CPUs that run, CPU 0 included; for each one that did not answer a line was logged.
[[nodiscard]] u64 start_cpus(unsigned count, PerCpu* const* blocks);

// The hardware's number of a CPU, for messages.
[[nodiscard]] u32 hardware_id(CpuIndex index);

} // namespace chorale::machine
