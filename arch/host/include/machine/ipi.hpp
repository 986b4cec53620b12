// Doorbells between the threads that play CPUs. There is no interrupt: a ring is counted, and wakes the
// thread that waits for it.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

void ring(CpuIndex target);
void stop_others();

// How often `cpu` was rung since the last silence().
[[nodiscard]] u64 rings(CpuIndex cpu);
void silence(CpuIndex cpu);

// What halting is here: returns when the CPU has been rung more often than `seen` says, or false after the
// time limit.
[[nodiscard]] bool wait_for_ring(CpuIndex cpu, u64 seen, unsigned milliseconds);

} // namespace chorale::machine
