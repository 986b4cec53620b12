// What the benchmarks count: the CPU's own cycles while it runs this thread in user mode, by perf_event where
// the kernel and the machine have it; else ticks of the time stamp counter, which counts at one rate whatever
// the CPU's clock does; else nanoseconds.
#pragma once

#include "kernel/base/types.hpp"

#include <memory>
#include <string>

struct perf_event_mmap_page;

namespace chorale::bench {

class CycleCounter {
  public:
    enum class Choice : u8 { automatic, perf_event, tsc };

    // `choice` other than automatic: that one or an error. What it counts, it counts for the calling thread.
    explicit CycleCounter(Choice choice);
    ~CycleCounter();
    CycleCounter(const CycleCounter&) = delete;
    CycleCounter& operator=(const CycleCounter&) = delete;

    // What was done before is counted, what comes after is not yet.
    [[nodiscard]] u64 read() const;

    [[nodiscard]] const std::string& kind() const { return kind_; } // "cycles (perf_event)", "tsc", "ns"
    [[nodiscard]] const std::string& unit() const { return unit_; } // of one count: "cycles", "ticks", "ns"
    [[nodiscard]] const std::string& reason() const { return reason_; } // why it is not perf_event
    [[nodiscard]] double per_second() const { return per_second_; }     // of a thread that never waits
    // How long the CPU takes for one step of a chain of dependent multiplications and additions, in counts.
    [[nodiscard]] double counts_per_step() const { return counts_per_step_; }

  private:
    [[nodiscard]] bool open_event();
    [[nodiscard]] bool event_counts();
    void close_event();
    [[nodiscard]] u64 read_event() const;
    void learn_rate();

    std::string kind_, unit_, reason_;
    int event_{-1};
    perf_event_mmap_page* page_{};
    double per_second_{}, counts_per_step_{};
};

// The calling thread's; made by main().
[[nodiscard]] const CycleCounter& counter();
void use_counter(std::unique_ptr<CycleCounter> chosen);

} // namespace chorale::bench
