#include "arch/host/free_running.hpp"

#include "arch/host/cpu.hpp"
#include "arch/host/dispatch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <sched.h>
#include <time.h>

namespace chorale::host {

namespace {

constexpr auto look = std::chrono::microseconds{200}; // how often go() looks whether the run is over
constexpr u64 longest_sleep = 20'000'000;             // nanoseconds

thread_local std::minstd_rand noise_source;

} // namespace

FreeRunning::~FreeRunning() {
    ending_ = true;
    for (CpuIndex index = 0; index < count_; ++index) ring(index);
    for (CpuIndex index = 0; index < count_; ++index) players_[index].thread.join();
    use_engine(nullptr);
}

u64 FreeRunning::now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<u64>(time.tv_sec) * 1'000'000'000 + static_cast<u64>(time.tv_nsec);
}

void FreeRunning::perform(Cpu& cpu, void (*body)()) {
    noise_source.seed(cpu.index + 1);
    if (observer_ != nullptr) observer_->begins(cpu.index);
    play(cpu, body);
    if (observer_ != nullptr) observer_->ends(cpu.index);
}

void FreeRunning::start(Cpu& cpu, void (*body)()) {
    players_[cpu.index].thread = std::thread{[this, &cpu, body] { perform(cpu, body); }};
    count_ = std::max(count_.load(), cpu.index + 1);
}

void FreeRunning::make_noise() {
    if (noise_ != 0 && noise_source() % noise_ == 0) sched_yield();
}

void FreeRunning::relax() {
    if (ending_) leave_cpu();
    sched_yield();
}

void FreeRunning::boundary(Boundary where) {
    make_noise();
    if (where == Boundary::user && ending_) leave_cpu();
    if (observer_ == nullptr) return;
    if (where == Boundary::user) observer_->at_rest(this_cpu().index);
    if (where == Boundary::enter) observer_->enters(this_cpu().index);
}

// The sender sees `waiting` after its bit is set, or the CPU sees the bit after `waiting` is set. In the
// first case it holds the mutex until it sleeps: so the lock is had before that only if it has not looked
// yet.
void FreeRunning::ring(CpuIndex target) {
    Player& player = players_.at(target);
    // seq_cst: what the sender did before is seen by the handler
    cpu(target).interrupts.fetch_or(interrupt_doorbell);
    if (!player.waiting) return;
    {
        const std::lock_guard lock{player.mutex};
    }
    player.rung.notify_one();
}

bool FreeRunning::interrupted() {
    Cpu& cpu = this_cpu();
    return cpu.interrupts != 0 || (cpu.alarm != machine::no_deadline && cpu.alarm <= now());
}

void FreeRunning::interrupt_window() {
    make_noise();
    if (!interrupted()) return;
    Cpu& cpu = this_cpu();
    const u32 bells = cpu.interrupts.exchange(0);
    handle_interrupts(bells, cpu.alarm != machine::no_deadline && cpu.alarm <= now());
}

void FreeRunning::sleep(Cpu& cpu, Player& player) {
    std::unique_lock lock{player.mutex};
    player.alarm = cpu.alarm;
    ++player.sleeps;
    player.waiting = true;
    while (!interrupted() && !ending_) {
        const u64 time = now();
        if (cpu.alarm <= time) break;
        player.rung.wait_for(lock, std::chrono::nanoseconds{std::min(cpu.alarm - time, longest_sleep)});
    }
    player.waiting = false;
}

void FreeRunning::wait_for_interrupt() {
    Cpu& cpu = this_cpu();
    if (observer_ != nullptr) observer_->falls_asleep(cpu.index);
    sleep(cpu, players_[cpu.index]);
    if (observer_ != nullptr) observer_->wakes_up(cpu.index);
    if (ending_) leave_cpu();
    interrupt_window();
}

// Two looks. A CPU that sleeps at the second, and has not woken up since the first, slept at the moment
// between them, and so did all; what had been rung by then is still to be seen, since nobody has taken it.
FreeRunning::Rest FreeRunning::rest() {
    std::array<u64, max_cpus> sleeps{};
    const unsigned count = count_;
    for (CpuIndex index = 0; index < count; ++index) {
        if (!players_[index].waiting) return Rest::none;
        sleeps[index] = players_[index].sleeps;
    }
    Rest found = Rest::for_ever;
    for (CpuIndex index = 0; index < count; ++index) {
        const Player& player = players_[index];
        if (player.alarm != machine::no_deadline) found = Rest::until_alarm;
        if (cpu(index).interrupts != 0 || !player.waiting || player.sleeps != sleeps[index])
            return Rest::none;
    }
    return found;
}

Outcome FreeRunning::go() {
    const u64 limit = now() + u64{patience_} * 1'000'000'000;
    for (;;) {
        if (stopped_) return Outcome::stopped;
        // In this order: what ended the scenario is over when the CPUs are seen at rest.
        const bool finished = scenario_finished();
        const Rest found = rest();
        if (finished && found != Rest::none) return Outcome::finished;
        // Without an alarm root does not even look for a scenario.
        if (found == Rest::for_ever) return Outcome::stuck;
        if (now() >= limit) return Outcome::endless;
        std::this_thread::sleep_for(look);
    }
}

void FreeRunning::stop(int verdict) {
    if (verdict == 2) std::abort(); // panic() has said why
    stopped_ = true;
    for (;;) {
        if (ending_) leave_cpu();
        std::this_thread::sleep_for(look);
    }
}

} // namespace chorale::host
