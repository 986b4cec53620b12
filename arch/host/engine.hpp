// Who plays the CPUs of the host machine. Every machine call and every step of a user program comes by here,
// so that an engine can let other CPUs go on in between, bring interrupts, and say what time it is.
//
//   Loose      no machine at all: threads of a test that use parts of the nucleus; rings are counted
//   Threads    a thread for each CPU, the host's own time (free_running.hpp)
//   Lockstep   all CPUs on one thread, one at a time, as a Chooser says; virtual time (lockstep.hpp)
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::host {

struct Cpu;
enum class Outcome : u8;

// Where a CPU is when others may go on.
enum class Boundary : u8 {
    relax,  // it waits for another CPU
    ring,   // about to ring a doorbell
    window, // lets interrupts in, or looks for them
    time,   // reads or sets a clock
    space,  // loads a root, invalidates
    copy,   // touches user memory for the nucleus
    enter,  // user mode ends
    user,   // user mode goes on
    atomic, // an atomic operation of the nucleus (only where those are simulated)
};

class Engine {
  public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    virtual void boundary(Boundary) {}
    virtual void relax() = 0;
    virtual void ring(CpuIndex target) = 0;
    virtual void wait_for_interrupt() = 0;
    // Interrupts that wait for this CPU are handled, if there are any.
    virtual void interrupt_window() = 0;
    // Whether some wait. In user mode they are not handled on the spot: the thread is put aside first.
    [[nodiscard]] virtual bool interrupted() { return false; }
    // Two runs are to be alike: no chance but the engine's own.
    [[nodiscard]] virtual bool repeatable() const { return false; }
    [[nodiscard]] virtual u64 now() = 0;
    // CPU `index` begins to run `body`, which never returns.
    virtual void start(Cpu&, void (*)()) {}
    // Lets the CPUs run until the scenario has finished and all are idle, or will never be.
    [[nodiscard]] virtual Outcome go();
    // The machine ends, by the nucleus's own wish.
    [[noreturn]] virtual void stop(int verdict) = 0;
    // The CPU is in the nucleus from here on, or in user mode.
    virtual void enters_nucleus() {}
    virtual void leaves_nucleus() {}
    // For the record of a run: `what` happened on this CPU.
    virtual void note(const char*, u64, u64) {}
};

[[nodiscard]] Engine& engine();
void use_engine(Engine* engine); // nullptr: Loose

// The machine of whoever uses only parts of the nucleus.
[[nodiscard]] Engine& loose_engine();

} // namespace chorale::host
