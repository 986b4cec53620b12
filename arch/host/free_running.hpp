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

// Told on each CPU's own thread where that CPU is. At rest it runs a user program or sleeps, and holds
// nothing of the nucleus.
class CpuObserver {
  public:
    virtual ~CpuObserver() = default;
    virtual void begins(CpuIndex) {}
    virtual void at_rest(CpuIndex) {} // about to go to user mode
    virtual void enters(CpuIndex) {}  // back from it
    virtual void falls_asleep(CpuIndex) {}
    virtual void wakes_up(CpuIndex) {}
    virtual void ends(CpuIndex) {}
};

class FreeRunning final : public Engine {
  public:
    FreeRunning() = default;
    ~FreeRunning() override; // the CPUs end where they wait, spin or enter user mode

    // A run that takes longer is endless.
    void set_patience(unsigned seconds) { patience_ = seconds; }
    // Before the machine boots. Each CPU gives its place on the host away at one of so many boundaries, by
    // chance: the fewer cores the host has, the more it needs that. 0: never.
    void set_noise(unsigned one_in) { noise_ = one_in; }
    void observe(CpuObserver& observer) { observer_ = &observer; }

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

  private:
    struct Player {
        std::thread thread;
        std::mutex mutex;
        std::condition_variable rung;
        // seq_cst, all of them: who rings and who falls asleep each write one and read the other's
        std::atomic<bool> waiting{false};
        std::atomic<u64> sleeps{0}; // how often it fell asleep
        std::atomic<u64> alarm{0};  // while it waits: when it wakes up by itself
    };
    enum class Rest : u8 { none, until_alarm, for_ever };

    void perform(Cpu& cpu, void (*body)());
    void sleep(Cpu& cpu, Player& player);
    void make_noise();
    [[nodiscard]] Rest rest();

    std::array<Player, max_cpus> players_;
    std::atomic<unsigned> count_{0};
    std::atomic<bool> ending_{false};
    std::atomic<bool> stopped_{false};
    CpuObserver* observer_ = nullptr;
    unsigned noise_ = 0;
    unsigned patience_ = 120;
};

} // namespace chorale::host
