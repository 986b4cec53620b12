#include "arch/host/free_running.hpp"

#include "arch/host/cpu.hpp"
#include "arch/host/dispatch.hpp"

#include <chrono>
#include <cstdlib>
#include <sched.h>
#include <time.h>

namespace chorale::host {

namespace {

constexpr auto look = std::chrono::microseconds{200}; // how often go() looks whether the run is over
constexpr u64 longest_sleep = 20'000'000;             // nanoseconds

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

void FreeRunning::start(Cpu& cpu, void (*body)()) {
    count_ = std::max(count_.load(), cpu.index + 1);
    players_[cpu.index].thread = std::thread{[&cpu, body] { play(cpu, body); }};
}

void FreeRunning::relax() {
    if (ending_) leave_cpu();
    sched_yield();
}

void FreeRunning::boundary(Boundary where) {
    if (where != Boundary::user) return;
    if (ending_) leave_cpu();
    if (void (*const callback)() = at_rest_) callback();
}

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
    if (!interrupted()) return;
    Cpu& cpu = this_cpu();
    const u32 bells = cpu.interrupts.exchange(0);
    handle_interrupts(bells, cpu.alarm != machine::no_deadline && cpu.alarm <= now());
}

// The sender sees `waiting` after its bit is set, or this CPU sees the bit after `waiting` is set.
void FreeRunning::wait_for_interrupt() {
    Cpu& cpu = this_cpu();
    Player& player = players_[cpu.index];
    {
        std::unique_lock lock{player.mutex};
        player.waiting = true;
        while (!interrupted() && !ending_) {
            if (void (*const callback)() = at_rest_) callback();
            const u64 time = now();
            const u64 until = cpu.alarm == machine::no_deadline ? longest_sleep : cpu.alarm - time;
            player.rung.wait_for(lock, std::chrono::nanoseconds{std::min(until, longest_sleep)});
        }
        player.waiting = false;
    }
    if (ending_) leave_cpu();
    interrupt_window();
}

bool FreeRunning::all_wait() {
    for (CpuIndex index = 0; index < count_; ++index) {
        if (!players_[index].waiting || cpu(index).interrupts != 0) return false;
    }
    return true;
}

Outcome FreeRunning::go() {
    const u64 limit = now() + u64{patience_} * 1'000'000'000;
    for (;;) {
        if (stopped_) return Outcome::stopped;
        if (scenario_finished() && all_wait()) return Outcome::finished;
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
