// The state of the CPUs while they are started, and when a panic stops them; the same on every machine.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

// ---- the CPU that starts the others
void expect_cpu(CpuIndex cpu);
[[nodiscard]] bool cpu_awaited(CpuIndex cpu);
// Until CPUs 1 to count-1 are there, or no further one came for `patience` nanoseconds.
void wait_for_cpus(unsigned count, u64 patience);
// The CPUs that run, as a bit set; the others are written off, with a line of log for each.
[[nodiscard]] u64 running_cpus(unsigned count);

// ---- a CPU that was started: false: it was written off and must halt.
[[nodiscard]] bool report_running(CpuIndex cpu);

// ---- stop_others(): how many there are, or 0 when somebody else is at it already; then ring them, and wait.
[[nodiscard]] unsigned claim_stop();
void wait_for_stops(unsigned others, u64 patience);
[[nodiscard]] bool stop_requested();
[[noreturn]] void stop_here();

// The machine's: with all interrupts off, for good.
[[noreturn]] void halt_here();
extern const char* const hardware_id_name; // what hardware_id() is a number of

} // namespace chorale::machine
