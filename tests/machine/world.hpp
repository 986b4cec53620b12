// A machine for the tests of a program: booted when the first test needs it, and between two tests in the
// state in which it was then, which is checked.
#pragma once

#include "arch/host/lockstep.hpp"
#include "arch/host/machine.hpp"
#include "arch/host/session.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

// Runs the scenario on 4 CPUs in lockstep, twice: as the CPUs come, and with random preemption by `seed`.
// Fails the test unless it finishes and everything that it made is gone.
void run_world(const host::Program& scenario);

} // namespace chorale::test
