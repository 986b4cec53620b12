// A thread of the host for each CPU, and the host's own time: as many CPUs at once as the host has. For the
// thread sanitizer, and for what only real concurrency shows.
#pragma once

#include "arch/host/engine.hpp"
#include "arch/host/machine.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace chorale::host {

class FreeRunning final : public Engine {
  public:
    FreeRunning() = default;
    ~FreeRunning() override; // the CPUs end where they wait or enter user mode

    // A run that takes longer is endless.
    void set_patience(unsigned seconds) { patience_ = seconds; }

    void relax() override;
    void boundary(Boundary where) override;
    void ring(CpuIndex target) override;
    void wait_for_interrupt() override;
    void interrupt_window() override;
    bool interrupted() override;
    u64 now() override;
    void start(Cpu& cpu, void (*body)()) override;
    Outcome go() override;
    [[noreturn]] void stop(int verdict) override;

    // Called by each CPU whenever it goes to user mode or waits: it holds nothing of the nucleus then.
    void at_rest(void (*callback)()) { at_rest_ = callback; }

  private:
    struct Player {
        std::thread thread;
        std::mutex mutex;
        std::condition_variable rung;
        std::atomic<bool> waiting{false};
    };

    [[nodiscard]] bool all_wait();

    std::array<Player, max_cpus> players_;
    std::atomic<unsigned> count_{0};
    std::atomic<bool> ending_{false};
    std::atomic<bool> stopped_{false};
    std::atomic<void (*)()> at_rest_{nullptr};
    unsigned patience_ = 120;
};

} // namespace chorale::host
