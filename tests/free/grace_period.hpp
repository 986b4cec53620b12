// liburcu's grace periods, one after the other, on a thread of their own.
#pragma once

#include "tests/free/shelf.hpp"

#include <thread>

namespace chorale::test {

class GracePeriods {
  public:
    explicit GracePeriods(Shelf& shelf) : shelf_{shelf}, thread_{[this] { run(); }} {}
    void end(); // no reader may be registered afterwards

    // For each reader, on its own thread.
    void register_reader(CpuIndex cpu);
    void unregister_reader(CpuIndex cpu);
    static void reader_is_quiescent();
    static void reader_goes_offline();
    static void reader_comes_online();

    // Waits until a grace period has begun, if one can begin at once: the number that liburcu gave it, which
    // readers take over when they are quiescent. Else 0: the last one is not over.
    [[nodiscard]] u64 begin_one();
    // liburcu's own rule for waiting no longer for a reader, in a grace period of that number.
    [[nodiscard]] bool reader_has_passed(CpuIndex cpu, u64 period) const;

    [[nodiscard]] u64 count() const { return count_; }

  private:
    enum class State { busy, idle, wanted };
    void run();

    Shelf& shelf_; // its objects live by these grace periods
    std::array<const unsigned long*, max_cpus> readers_{};
    std::atomic<State> state_{State::busy};
    std::atomic<u64> count_{};
    std::atomic<bool> ending_{};
    std::thread thread_;
};

} // namespace chorale::test
