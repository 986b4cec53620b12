// The nucleus's trace (exec/chTrace.h), as a thing that tests can make up; and its reader.
#pragma once

#include "commands/ktrace/merge.hpp"
#include "commands/ktrace/site_log.hpp"

namespace chorale::ktrace {

class Recorder {
  public:
    // As the calls of these names; `now`: sysTime in nanoseconds.
    [[nodiscard]] virtual int read(unsigned cpu, KnTraceRecord* records, unsigned count) = 0;
    [[nodiscard]] virtual int stop() = 0;
    [[nodiscard]] virtual std::uint64_t now() = 0;

  protected:
    ~Recorder() = default;
};

// Takes the records of all CPUs again and again, and gives them to a log in their order.
class TraceReader {
  public:
    TraceReader(Recorder& recorder, unsigned cpus, std::uint64_t begin, SiteLog& log)
        : recorder_{recorder}, log_{log}, merge_{cpus, begin}, cpus_{cpus}, before_{begin} {}

    // What is there by now; what happened before the last round is given to the log: none of it comes any
    // more. Returns how many records there were on the busiest CPU.
    std::size_t round();
    // The trace ends: all that is left. Returns when it ended.
    [[nodiscard]] std::uint64_t finish();

    // The first error of the nucleus; K_OK: none.
    [[nodiscard]] int error() const { return error_; }
    [[nodiscard]] std::uint64_t records() const { return records_; }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

  private:
    // Of one CPU in one round, so that a busy one does not keep it from the others.
    static constexpr std::size_t round_limit = 65536;

    [[nodiscard]] std::size_t drain(unsigned cpu, std::size_t limit);
    void release(std::uint64_t before, std::uint64_t now);

    Recorder& recorder_;
    SiteLog& log_;
    Merge merge_;
    unsigned cpus_;
    std::uint64_t before_; // the last round's time
    std::uint64_t records_{}, lost_{};
    int error_{K_OK};
};

} // namespace chorale::ktrace
