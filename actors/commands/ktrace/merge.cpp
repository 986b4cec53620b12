#include "commands/ktrace/merge.hpp"

namespace chorale::ktrace {

void Merge::add(std::size_t cpu, std::span<const KnTraceRecord> records) {
    Queue& queue = queues_[cpu];
    queue.records.insert(queue.records.end(), records.begin(), records.end());
    waiting_ += records.size();
}

// At the same time: what is sent goes before what is received.
const Merge::Queue* Merge::earliest(std::uint64_t before) const {
    const Queue* best = nullptr;
    for (const Queue& queue : queues_) {
        if (queue.begin == queue.records.size()) continue;
        const KnTraceRecord& record = queue.records[queue.begin];
        if (record.time >= before) continue;
        if (best != nullptr) {
            const KnTraceRecord& other = best->records[best->begin];
            if (other.time < record.time) continue;
            if (other.time == record.time && record.kind != K_TRACE_SENT) continue;
        }
        best = &queue;
    }
    return best;
}

KnTraceRecord Merge::pop(std::size_t cpu) {
    Queue& queue = queues_[cpu];
    const KnTraceRecord record = queue.records[queue.begin++];
    --waiting_;
    if (queue.begin == queue.records.size()) {
        queue.records.clear();
        queue.begin = 0;
    } else if (queue.begin >= 4096 && queue.begin * 2 >= queue.records.size()) {
        queue.records.erase(queue.records.begin(),
                            queue.records.begin() + static_cast<std::ptrdiff_t>(queue.begin));
        queue.begin = 0;
    }
    return record;
}

} // namespace chorale::ktrace
