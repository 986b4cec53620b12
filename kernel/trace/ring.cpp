#include "kernel/trace/ring.hpp"

namespace chorale {

void TraceRing::open(KnTraceRecord* records, u64 count) {
    records_ = records;
    size_ = count;
    lost_.store(0);
    written_.store(0, std::memory_order_relaxed); // relaxed, both: nobody else is at the ring
    taken_.store(0, std::memory_order_relaxed);
}

bool TraceRing::fits(const KnTraceRecord& record) {
    const u64 written = written_.load(std::memory_order_relaxed); // relaxed: its own
    // acquire: A of the head of ring.hpp
    if (written - taken_.load(std::memory_order_acquire) == size_) return false;
    slot(written) = record;
    written_.store(written + 1, std::memory_order_release); // release: C
    return true;
}

// What was lost, in a record of its own; false: there is no room for that.
bool TraceRing::tell_lost(u64 now) {
    const u64 lost = lost_.load();
    if (lost == 0) return true;
    KnTraceRecord record{};
    record.time = now;
    record.kind = K_TRACE_LOST;
    record.thread = -1;
    record.value[0] = lost;
    if (!fits(record)) return false;
    lost_.store(0);
    return true;
}

void TraceRing::put(const KnTraceRecord& record) {
    if (!tell_lost(record.time) || !fits(record)) lost_.count();
}

} // namespace chorale
