// A host machine of one CPU that is in nobody's way: no other CPU to let go on, no clock that runs while it
// works, nothing recorded. What is left of the machine is what an entry into the nucleus and an exit cost
// here.
#pragma once

#include "arch/host/engine.hpp"
#include "arch/host/machine.hpp"

#include <ucontext.h>

namespace chorale::bench {

class Alone final : public host::Engine {
  public:
    void relax() override {}
    void ring(CpuIndex) override;
    void wait_for_interrupt() override;
    void interrupt_window() override;
    bool interrupted() override;
    bool repeatable() const override { return true; }
    u64 now() override { return clock_; }
    void start(host::Cpu& cpu, void (*body)()) override;
    host::Outcome go() override;
    [[noreturn]] void stop(int verdict) override;

  private:
    static void enter();
    [[nodiscard]] bool alarm_due() const;

    static Alone* entering_; // makecontext() passes no pointers
    host::Cpu* cpu_{};
    void (*body_)(){};
    ucontext_t machine_{}, caller_{};
    bool nothing_left_{};
    u64 clock_{1};
};

} // namespace chorale::bench
