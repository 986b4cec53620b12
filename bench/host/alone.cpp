#include "bench/host/alone.hpp"

#include "arch/host/dispatch.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace chorale::bench {

namespace {

constexpr std::size_t stack_size = 256 << 10;
alignas(page_size) std::array<std::byte, stack_size> stack;

} // namespace

Alone* Alone::entering_;

void Alone::enter() {
    host::play(*entering_->cpu_, entering_->body_);
    std::abort(); // a CPU has nowhere to return to
}

void Alone::start(host::Cpu& cpu, void (*body)()) {
    cpu_ = &cpu;
    body_ = body;
    entering_ = this;
    getcontext(&machine_);
    machine_.uc_stack.ss_sp = stack.data();
    machine_.uc_stack.ss_size = stack.size();
    makecontext(&machine_, &Alone::enter, 0);
}

host::Outcome Alone::go() {
    nothing_left_ = false;
    host::become(*cpu_);
    swapcontext(&caller_, &machine_);
    return nothing_left_ ? host::Outcome::stuck : host::Outcome::finished;
}

void Alone::ring(CpuIndex target) {
    // relaxed: one thread
    host::cpu(target).interrupts.fetch_or(host::interrupt_doorbell, std::memory_order_relaxed);
}

bool Alone::alarm_due() const { return cpu_->alarm != machine::no_deadline && clock_ >= cpu_->alarm; }

bool Alone::interrupted() {
    return cpu_->interrupts.load(std::memory_order_relaxed) != 0 || alarm_due(); // relaxed: one thread
}

void Alone::interrupt_window() {
    if (!interrupted()) return;
    const bool alarm = alarm_due();
    const u32 waiting = cpu_->interrupts.exchange(0, std::memory_order_relaxed); // relaxed: one thread
    host::handle_interrupts(waiting, alarm);                                     // relaxed: as above
}

// Time goes on here only, and at once to the next alarm.
void Alone::wait_for_interrupt() {
    while (!interrupted()) {
        nothing_left_ = cpu_->alarm == machine::no_deadline;
        if (host::scenario_finished() || nothing_left_) swapcontext(&machine_, &caller_);
        if (cpu_->alarm != machine::no_deadline) clock_ = cpu_->alarm;
    }
    interrupt_window();
}

void Alone::stop(int verdict) {
    std::fprintf(stderr, "the nucleus ended the machine: %d\n", verdict);
    std::abort();
}

} // namespace chorale::bench
