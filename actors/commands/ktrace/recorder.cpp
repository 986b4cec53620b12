#include "commands/ktrace/recorder.hpp"

#include <algorithm>

namespace chorale::ktrace {

// Until there are no more than the nucleus gives at once: what ktrace does meanwhile, these calls among it,
// is recorded too, and there would be no end.
std::size_t TraceReader::drain(unsigned cpu, std::size_t limit) {
    KnTraceRecord records[64];
    constexpr unsigned room = sizeof records / sizeof *records;
    std::size_t taken = 0;
    while (taken < limit) {
        const int count = recorder_.read(cpu, records, room);
        if (count < 0 && error_ == K_OK) error_ = count;
        if (count <= 0) return taken;
        const auto found = std::min(static_cast<std::size_t>(count), std::size_t{room});
        merge_.add(cpu, {records, found});
        taken += found;
        if (found < room) return taken;
    }
    return taken;
}

// None is of later than now, whatever it says.
void TraceReader::release(std::uint64_t before, std::uint64_t now) {
    merge_.release(before, now, [this](unsigned cpu, const KnTraceRecord& record) {
        ++records_;
        if (record.kind == K_TRACE_LOST) lost_ += record.value[0];
        log_.take(cpu, record);
    });
}

// A record has its time a little before it can be read: what happened before the last round began can be read
// by now, whatever its CPU was doing.
std::size_t TraceReader::round() {
    const std::uint64_t now = recorder_.now();
    std::size_t busiest = 0;
    for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
        busiest = std::max(busiest, drain(cpu, round_limit));
        if (merge_.full()) release(now, now);
    }
    release(before_, now);
    before_ = now;
    return busiest;
}

std::uint64_t TraceReader::finish() {
    if (const int result = recorder_.stop(); result < 0 && error_ == K_OK) error_ = result;
    const std::uint64_t now = recorder_.now();
    for (bool any = true; any;) {
        any = false;
        for (unsigned cpu = 0; cpu < cpus_; ++cpu) any = drain(cpu, 4096) != 0 || any;
        if (merge_.full()) release(now, now);
    }
    release(UINT64_MAX, now);
    const std::uint64_t end = std::max(now, merge_.latest());
    log_.end(end);
    return end;
}

} // namespace chorale::ktrace
