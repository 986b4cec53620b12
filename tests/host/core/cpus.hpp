// CPUs for tests of the nucleus's core: PerCpu blocks that this process owns, and threads that play them.
#pragma once

#include "kernel/core/per_cpu.hpp"

namespace chorale::test {

// From now on there are `count` fresh CPUs; the calling thread is CPU 0.
void make_cpus(unsigned count);

// The calling thread plays CPU `index` from now on.
void become_cpu(CpuIndex index);

} // namespace chorale::test
