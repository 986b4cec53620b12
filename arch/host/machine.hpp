// The whole host machine: boots the real nucleus in this process, once, and then runs what a test gives it.
//
// One boot actor, `root`, waits for scenarios: programs that make actors and threads by real calls and end
// when they have seen what they wanted. Between two scenarios every CPU is idle, so a test can look at the
// nucleus from outside, and everything that a scenario made should be gone.
#pragma once

#include "arch/host/cpu.hpp"
#include "arch/host/task.hpp"

#include <string>

namespace chorale::host {

class Engine;

struct Settings {
    unsigned cpus = 4;
    u64 memory = u64{64} << 20;
    std::string command_line = "poll=off";
    bool console = true;     // else only a panic's report is written
    bool supervisor = false; // with a supervisor actor (supervisor_actor.hpp)
};

// What a run came to.
enum class Outcome : u8 {
    finished, // the scenario has ended and nothing is left to do
    stuck,    // it has not, and nothing will ever happen again
    endless,  // it went on longer than the engine's patience
    stopped,  // the nucleus ended the machine
};

// Boots with `engine`, which must live as long as the process, and returns when `root` waits. Once.
void boot(const Settings& settings, Engine& engine);

// Runs `scenario` as the root thread. Only between runs; only on the thread that booted.
[[nodiscard]] Outcome run(Program scenario);

// For engines.
[[nodiscard]] Cpu& cpu(CpuIndex index);
[[nodiscard]] unsigned cpus_wanted();
[[nodiscard]] bool scenario_finished(); // and `root` waits for the next

// A device's interrupt, on the CPU that the line is attached to.
void raise_line(unsigned line);

} // namespace chorale::host
