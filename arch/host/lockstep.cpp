#include "arch/host/lockstep.hpp"

#include "arch/host/dispatch.hpp"

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#else
static void __sanitizer_start_switch_fiber(void**, const void*, std::size_t) {}
static void __sanitizer_finish_switch_fiber(void*, const void**, std::size_t*) {}
#endif

namespace chorale::host {

namespace {

constexpr u64 step_time = 20;              // nanoseconds
constexpr u64 spin_time = 1'000;           // while a CPU waits for another that waits for time to pass
constexpr unsigned longest_spin = 200'000; // of one CPU, with no other that could go on
constexpr std::size_t stack_size = 256 << 10;

Lockstep* entering; // makecontext() passes no pointers

class Plain final : public Chooser {
  public:
    bool preempts(Boundary) override { return false; }
    unsigned choose(unsigned, Choice) override { return 0; }
};

} // namespace

Chooser& plain_chooser() {
    static Plain plain;
    return plain;
}

// ---- fibers ----------------------------------------------------------------------------------------------

void Lockstep::switch_stacks(ucontext_t& from, ucontext_t& to, void*& from_fake, const Stack& to_stack,
                             bool ends) {
    __sanitizer_start_switch_fiber(ends ? nullptr : &from_fake, to_stack.base, to_stack.size);
    swapcontext(&from, &to);
    __sanitizer_finish_switch_fiber(from_fake, nullptr, nullptr);
}

void Lockstep::enter(Fiber& fiber) {
    Fiber* const before = current_;
    if (before == &fiber) return;
    current_ = &fiber;
    become(*fiber.cpu);
    if (before == nullptr) {
        switch_stacks(caller_, fiber.context, caller_fake_, fiber.cpu->stack, false);
        goes_on(nullptr);
    } else {
        switch_stacks(before->context, fiber.context, before->fake_stack, fiber.cpu->stack, false);
        goes_on(before->cpu);
    }
}

void Lockstep::leave_to_caller() {
    Fiber& fiber = current();
    current_ = nullptr;
    switch_stacks(fiber.context, caller_, fiber.fake_stack, caller_stack_, false);
    goes_on(fiber.cpu);
}

void Lockstep::fiber_entry() { entering->fiber_main(); }

void Lockstep::fiber_main() {
    const void* base = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(nullptr, &base, &size);
    // The first one is entered by the caller of go(): so its stack is learned.
    if (caller_stack_.size == 0) caller_stack_ = {static_cast<std::byte*>(const_cast<void*>(base)), size};
    goes_on(current().cpu);
    play(*current().cpu, current().body);
    std::abort(); // a CPU has nowhere to return to
}

void Lockstep::start(Cpu& cpu, void (*body)()) {
    Fiber& fiber = fibers_.at(cpu.index);
    void* const memory =
        mmap(nullptr, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        std::perror("the stack of a CPU");
        std::abort();
    }
    fiber.cpu = &cpu;
    fiber.body = body;
    fiber.stack = cpu.stack = {static_cast<std::byte*>(memory), stack_size};
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = memory;
    fiber.context.uc_stack.ss_size = stack_size;
    entering = this;
    makecontext(&fiber.context, &Lockstep::fiber_entry, 0);
    if (cpu.index >= count_) count_ = cpu.index + 1;
}

// ---- who goes on -----------------------------------------------------------------------------------------

bool Lockstep::alarm_due(const Fiber& fiber) const {
    const u64 alarm = fiber.cpu->alarm;
    return alarm != machine::no_deadline && clock_ >= fiber.alarm_slack &&
           clock_ - fiber.alarm_slack >= alarm;
}

bool Lockstep::due(const Fiber& fiber) const {
    // relaxed: one thread
    const u32 waiting = fiber.cpu->interrupts.load(std::memory_order_relaxed);
    return (waiting != 0 && step_ >= fiber.bell_due) || alarm_due(fiber);
}

bool Lockstep::halted(CpuIndex index) const {
    const Fiber& fiber = fibers_.at(index);
    // relaxed: one thread
    return fiber.waiting && fiber.cpu->interrupts.load(std::memory_order_relaxed) == 0;
}

// A CPU that can go on, other than `except`; nullptr: none. `first` is the ordinary one.
Lockstep::Fiber* Lockstep::pick(const Fiber* except, unsigned first) {
    std::array<Fiber*, max_cpus> able{};
    unsigned count = 0;
    for (unsigned i = 0; i < count_; ++i) {
        Fiber& fiber = fibers_[(first + i) % count_];
        if (&fiber != except && fiber.cpu != nullptr && runnable(fiber)) able[count++] = &fiber;
    }
    if (count == 0) return nullptr;
    return able[count == 1 ? 0 : chooser_->choose(count, Choice::next_cpu)];
}

bool Lockstep::bell_under_way() const {
    for (unsigned i = 0; i < count_; ++i) {
        // relaxed: one thread
        const Cpu* const cpu = fibers_[i].cpu;
        if (cpu != nullptr && cpu->interrupts.load(std::memory_order_relaxed) != 0) return true;
    }
    return false;
}

// All CPUs wait: for a doorbell that is on its way, or for the clock. False: for nothing.
bool Lockstep::pass_time() {
    u64 bell = ~u64{0}, alarm = ~u64{0};
    for (unsigned i = 0; i < count_; ++i) {
        const Fiber& fiber = fibers_[i];
        if (fiber.cpu == nullptr) continue;
        // relaxed: one thread
        if (fiber.cpu->interrupts.load(std::memory_order_relaxed) != 0 && fiber.bell_due < bell)
            bell = fiber.bell_due;
        if (fiber.cpu->alarm != machine::no_deadline && fiber.cpu->alarm + fiber.alarm_slack < alarm)
            alarm = fiber.cpu->alarm + fiber.alarm_slack;
    }
    if (bell != ~u64{0}) {
        step_ = bell > step_ ? bell : step_;
        return true;
    }
    if (alarm == ~u64{0}) return false;
    clock_ = alarm > clock_ ? alarm : clock_;
    return true;
}

Outcome Lockstep::go() {
    limit_ = step_ + patience_;
    spins_ = 0;
    outcome_ = Outcome::finished;
    for (;;) {
        if (outcome_ != Outcome::finished) return outcome_;
        Fiber* next = pick(nullptr);
        if (next == nullptr && scenario_finished() && !bell_under_way()) return Outcome::finished;
        if (next == nullptr && !pass_time()) return Outcome::stuck;
        if (next != nullptr) enter(*next);
    }
}

// This CPU cannot go on, or need not.
void Lockstep::give_way() {
    Fiber* const next = pick(&current());
    if (next != nullptr) enter(*next);
}

void Lockstep::boundary(Boundary where) {
    if (current_ == nullptr) return; // the test itself looks at something
    ++step_;
    clock_ += step_time;
    if (step_ >= limit_) {
        outcome_ = Outcome::endless;
        leave_to_caller();
    }
    if (chooser_->preempts(where)) give_way();
}

// Another CPU must do something first. Which one nobody knows: they get their turns one after the other, or
// two that wait like this would keep the others from ever going on.
void Lockstep::relax() {
    boundary(Boundary::relax);
    if (current_ == nullptr) return;
    Fiber* const next = pick(&current(), running_cpu() + 1);
    if (next != nullptr) {
        spins_ = 0;
        enter(*next);
        return;
    }
    clock_ += spin_time;
    if (++spins_ < longest_spin) return;
    outcome_ = Outcome::stuck;
    leave_to_caller();
}

// ---- interrupts ------------------------------------------------------------------------------------------

void Lockstep::ring(CpuIndex target) {
    boundary(Boundary::ring);
    Fiber& fiber = fibers_.at(target);
    // relaxed: one thread
    const u32 before = fiber.cpu->interrupts.fetch_or(interrupt_doorbell, std::memory_order_relaxed);
    if (before == 0) fiber.bell_due = step_ + chooser_->choose(ring_delays, Choice::ring_delay);
    note("ring", target, 0);
}

bool Lockstep::interrupted() { return current_ != nullptr && due(current()); }

void Lockstep::interrupt_window() {
    boundary(Boundary::window);
    if (!interrupted()) return;
    Fiber& fiber = current();
    const bool alarm = alarm_due(fiber);
    // relaxed: one thread
    const u32 bells =
        step_ >= fiber.bell_due ? fiber.cpu->interrupts.exchange(0, std::memory_order_relaxed) : 0;
    if (alarm) fiber.alarm_slack = u64{chooser_->choose(alarm_delays, Choice::alarm_late)} * spin_time;
    note("interrupt", bells, alarm ? 1 : 0);
    delivers();
    handle_interrupts(bells, alarm);
}

void Lockstep::wait_for_interrupt() {
    note("halt", 0, 0);
    Fiber& fiber = current();
    fiber.waiting = true;
    spins_ = 0;
    while (!due(fiber)) {
        Fiber* const next = pick(&fiber);
        if (next != nullptr) {
            enter(*next);
        } else {
            leave_to_caller(); // go() passes the time, or ends the run
        }
    }
    fiber.waiting = false;
    interrupt_window();
}

void Lockstep::stop(int verdict) {
    verdict_ = verdict;
    outcome_ = Outcome::stopped;
    if (verdict == 2) { // panic() has said why
        std::fflush(stdout);
        std::abort();
    }
    leave_to_caller();
    std::abort(); // a machine that was stopped does not go on
}

void Lockstep::note(const char* what, u64 first, u64 second) {
    if (listener_ != nullptr && current_ != nullptr)
        listener_({step_, clock_, current_->cpu->index, what, first, second});
}

} // namespace chorale::host
