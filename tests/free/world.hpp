// A free-running machine for the tests: booted when the first of them needs it, 4 CPUs. Between two runs it
// is in the state in which it was then, which is checked.
#pragma once

#include "arch/host/free_running.hpp"
#include "arch/host/machine.hpp"
#include "arch/host/session.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

inline constexpr unsigned cpus = 4;

// What lives in the nucleus.
struct Living {
    u64 actors, threads, ports, messages, regions;
    friend bool operator==(const Living&, const Living&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Living& living);
};
[[nodiscard]] Living living();

[[nodiscard]] bool booted();

// Before the first run. The observer lives until the machine ends.
void observe(host::CpuObserver& observer);

// Fails the test unless the scenario finishes and everything that it made is gone.
void run_free(const host::Program& scenario);

// Ends the CPUs; nothing runs after that.
void end_machine();

// From the environment.
[[nodiscard]] unsigned run_seconds();
[[nodiscard]] u64 run_seed();

} // namespace chorale::test
