// All CPUs on one thread of the host, one at a time. Which one goes on, when interrupts arrive and how late
// timers are is a Chooser's choice, and nothing else is left to chance: the same choices give the same run.
// Time is virtual: it goes on with every step, and jumps when every CPU waits.
#pragma once

#include "arch/host/cpu.hpp"
#include "arch/host/engine.hpp"
#include "arch/host/machine.hpp"

#include <array>
#include <memory>
#include <ucontext.h>

namespace chorale::host {

enum class Choice : u8 {
    next_cpu,   // who goes on instead
    ring_delay, // how long a doorbell takes, in steps
    alarm_late, // by how much the clock passes an alarm before it is seen
};

inline constexpr unsigned ring_delays = 256; // choices of each kind
inline constexpr unsigned alarm_delays = 64;

class Chooser {
  public:
    virtual ~Chooser() = default;
    // Whether another CPU goes on here.
    [[nodiscard]] virtual bool preempts(Boundary where) = 0;
    // One of `count`; 0 is the ordinary outcome.
    [[nodiscard]] virtual unsigned choose(unsigned count, Choice what) = 0;
};

// Never preempts, delivers at once: each CPU runs until it waits.
[[nodiscard]] Chooser& plain_chooser();

// What happened, for who wants to read it.
struct Event {
    u64 step;
    u64 time;
    CpuIndex cpu;
    const char* what;
    u64 first, second;
};

class Lockstep : public Engine {
  public:
    explicit Lockstep(Chooser& chooser = plain_chooser()) : chooser_{&chooser} {}

    void use(Chooser& chooser) { chooser_ = &chooser; }
    // Steps after which a run is endless.
    void set_patience(u64 steps) { patience_ = steps; }
    void listen(void (*listener)(const Event&)) { listener_ = listener; }
    [[nodiscard]] u64 steps() const { return step_; }
    [[nodiscard]] int verdict() const { return verdict_; }
    // It waits for an interrupt, and none is there or on its way.
    [[nodiscard]] bool halted(CpuIndex index) const;

    void boundary(Boundary where) override;
    void relax() override;
    void ring(CpuIndex target) override;
    void wait_for_interrupt() override;
    void interrupt_window() override;
    bool interrupted() override;
    bool repeatable() const override { return true; }
    u64 now() override { return clock_; }
    void start(Cpu& cpu, void (*body)()) override;
    Outcome go() override;
    [[noreturn]] void stop(int verdict) override;
    void note(const char* what, u64 first, u64 second) override;

    // Where the stack of a CPU lies, for who must tell it from other memory.
    [[nodiscard]] Stack stack_of(CpuIndex index) const { return fibers_.at(index).stack; }

  protected:
    // After another CPU has had the thread; nullptr: the caller of go() has it.
    virtual void goes_on(const Cpu*) {}
    // Interrupts are about to be handled on this CPU.
    virtual void delivers() {}
    [[nodiscard]] CpuIndex running_cpu() const { return current_->cpu->index; }

  private:
    struct Fiber {
        ucontext_t context{};
        Cpu* cpu{};
        void (*body)(){};
        Stack stack{};
        bool waiting{};
        u64 bell_due{}; // the step from which a doorbell that was rung is heard
        u64 alarm_slack{};
        void* fake_stack{}; // the address sanitizer's
    };

    void enter(Fiber& fiber);
    void leave_to_caller();
    void switch_stacks(ucontext_t& from, ucontext_t& to, void*& from_fake, const Stack& to_stack, bool ends);
    [[nodiscard]] bool due(const Fiber& fiber) const;
    [[nodiscard]] bool alarm_due(const Fiber& fiber) const;
    [[nodiscard]] bool runnable(const Fiber& fiber) const { return !fiber.waiting || due(fiber); }
    [[nodiscard]] Fiber* pick(const Fiber* except, unsigned first = 0);
    [[nodiscard]] bool bell_under_way() const;
    [[nodiscard]] bool pass_time();
    void give_way();
    void fiber_main();
    static void fiber_entry();
    [[nodiscard]] Fiber& current() { return *current_; }

    Chooser* chooser_;
    std::array<Fiber, max_cpus> fibers_{};
    unsigned count_{};
    Fiber* current_{}; // nullptr: the caller of go() has the thread
    ucontext_t caller_{};
    Stack caller_stack_{};
    void* caller_fake_{};
    u64 step_{}, clock_{1}, patience_{100'000'000}, limit_{};
    unsigned spins_{};
    void (*listener_)(const Event&){};
    Outcome outcome_{};
    int verdict_{};
};

} // namespace chorale::host
