// Threads of the test actor, for one case each, and what cases wait with.
#pragma once

#include "settled.hpp"

#include <actor/environment.hpp>
#include <actor/thread.hpp>
#include <chorus.h>

#include <atomic>
#include <cstdint>

namespace chorale::test {

// Relative to the main thread, which runs at the priority of a boot actor.
inline constexpr unsigned main_priority = 100;
inline constexpr unsigned higher_priority = 90;
inline constexpr unsigned lower_priority = 110;

// A thread with a stack from a small pool. The destructor deletes the thread if it still runs.
class Helper {
  public:
    Helper() = default;
    Helper(const Helper&) = delete;
    Helper& operator=(const Helper&) = delete;
    ~Helper() { stop(); }

    // The thread's local id, or an error.
    int start(ThreadBody body, std::uintptr_t argument, unsigned priority = inherit_priority,
              KnCpuId cpu = 0);
    // Waits for the body's end; false when the time is over.
    [[nodiscard]] bool join(unsigned milliseconds = patience);
    void stop();
    [[nodiscard]] KnThreadLid thread() const { return thread_; }
    [[nodiscard]] bool finished() const;

  private:
    static void run(std::uintptr_t slot);

    int slot_{-1};
    KnThreadLid thread_{};
};

// As threadStat tells it; 99: there is no such thread.
[[nodiscard]] KnThreadStatus status_of(KnThreadLid thread, const KnCap* actor = K_MYACTOR);
[[nodiscard]] unsigned cpu_count();
[[nodiscard]] std::uint64_t now_microseconds();

// Whether the clock counts the machine's own instructions (test.clock=own). Else a host may pause one of the
// emulated CPUs for long while the clock goes on.
[[nodiscard]] bool clock_is_own();
// Whether what should have been over by now is not late: 200 ms are, where the clock is the machine's own.
[[nodiscard]] bool in_time(std::uint64_t passed_microseconds, std::uint64_t wanted_microseconds);

[[nodiscard]] inline VmAddr address_of(const void* object) { return reinterpret_cast<VmAddr>(object); }

// Takes the CPU for that long, without a nucleus call that gives it up.
void burn(unsigned microseconds);

} // namespace chorale::test
