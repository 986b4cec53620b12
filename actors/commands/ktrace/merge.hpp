// One stream of the records of all CPUs, in the order of their times. Each CPU's own come in that order.
#pragma once

#include <exec/chTrace.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chorale::ktrace {

class Merge {
  public:
    // Beyond so many records that wait, `full`: what waits should be taken, in order or not.
    static constexpr std::size_t limit = 262144;

    // Nothing happened before `begin`.
    Merge(std::size_t cpus, std::uint64_t begin) : queues_(cpus), latest_{begin} {}

    // The next records of that CPU.
    void add(std::size_t cpu, std::span<const KnTraceRecord> records);
    [[nodiscard]] bool full() const { return waiting_ >= limit; }

    // Gives take(cpu, record) all that happened before that time. It never goes back, nor beyond `now`: a
    // record that comes late, or that lies, has the time of the one before it, or of now.
    template <class Take>
    void release(std::uint64_t before, std::uint64_t now, Take take) {
        while (const Queue* const next = earliest(before)) {
            const auto cpu = static_cast<std::size_t>(next - queues_.data());
            KnTraceRecord record = pop(cpu);
            if (record.time > now) record.time = now;
            if (record.time < latest_) record.time = latest_;
            latest_ = record.time;
            take(static_cast<unsigned>(cpu), record);
        }
    }
    // The time of the last one that was given.
    [[nodiscard]] std::uint64_t latest() const { return latest_; }

  private:
    struct Queue {
        std::vector<KnTraceRecord> records;
        std::size_t begin{}; // those before it have been given
    };

    [[nodiscard]] const Queue* earliest(std::uint64_t before) const;
    [[nodiscard]] KnTraceRecord pop(std::size_t cpu);

    std::vector<Queue> queues_;
    std::size_t waiting_{};
    std::uint64_t latest_;
};

} // namespace chorale::ktrace
