// Records that are made up, and what ktrace's views make of them.
#pragma once

#include "commands/ktrace/events.hpp"
#include "commands/ktrace/lines.hpp"
#include "commands/ktrace/recorder.hpp"
#include "commands/ktrace/summary.hpp"
#include "commands/ktrace/text.hpp"

#include <deque>
#include <random>
#include <string>
#include <vector>

namespace chorale::ktrace {

// A file that is only in memory.
class MemoryFile {
  public:
    MemoryFile();
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }
    [[nodiscard]] std::string text() const;
    void set_text(std::string_view text);

  private:
    int descriptor_;
};

[[nodiscard]] KnTraceRecord actor_record(std::uint64_t time, unsigned number, std::string_view name);
[[nodiscard]] KnTraceRecord call_record(std::uint64_t time, unsigned actor, int thread, unsigned call,
                                        std::vector<std::uint64_t> arguments = {},
                                        unsigned kind = K_TRACE_CALL);
[[nodiscard]] KnTraceRecord result_record(std::uint64_t time, unsigned actor, int thread, unsigned call,
                                          std::int64_t result, bool foreign = false);
[[nodiscard]] KnTraceRecord message_record(std::uint64_t time, unsigned kind, unsigned actor, int thread,
                                           std::uint64_t number, std::uint64_t bytes = 0,
                                           std::uint64_t head = 0, std::uint64_t tail = 0);
[[nodiscard]] KnTraceRecord record(std::uint64_t time, unsigned kind, unsigned actor = 0, int thread = -1,
                                   std::uint64_t first = 0, std::uint64_t second = 0);

// Number of a nucleus call by its name.
[[nodiscard]] unsigned nucleus_number(std::string_view name);
[[nodiscard]] unsigned system_number(std::string_view name);

// A site with some CPUs, whose records are what a test has put there.
class MadeUpRecorder final : public Recorder {
  public:
    explicit MadeUpRecorder(unsigned cpus) : rings(cpus) {}
    int read(unsigned cpu, KnTraceRecord* records, unsigned count) override;
    int stop() override;
    std::uint64_t now() override { return clock; }

    void put(unsigned cpu, const KnTraceRecord& record) { rings[cpu].push_back(record); }

    std::vector<std::deque<KnTraceRecord>> rings;
    std::uint64_t clock{}; // what is later cannot be read yet
    int read_error{}, stop_error{};
    bool stopped{};
};

// All records of a CPU at once, through that view; what it has written.
template <class MadeView, class... More>
[[nodiscard]] std::string shown(const std::vector<KnTraceRecord>& records, const Choice& choice,
                                std::uint64_t begin, More... more) {
    MemoryFile file;
    Output output{file.descriptor()};
    Span span{begin, 0, 1};
    MadeView view{output, choice, span, more...};
    SiteLog log{view, "ktrace"};
    MadeUpRecorder recorder{1};
    for (const KnTraceRecord& each : records) recorder.put(0, each);
    recorder.clock = records.empty() ? begin : records.back().time + 1;
    TraceReader reader{recorder, 1, begin, log};
    span.end = reader.finish();
    view.finish();
    return file.text();
}

// Rings of as many CPUs with that many records in all. Plausible: threads that make calls, send each other
// messages and are switched; now and then some are lost, actors come and go. Hostile: any bits.
void fill_plausibly(MadeUpRecorder& recorder, std::mt19937_64& random, unsigned count);
void fill_hostilely(MadeUpRecorder& recorder, std::mt19937_64& random, unsigned count);

} // namespace chorale::ktrace
