// A ring of trace records: one CPU writes, with interrupts off; any CPU reads. What finds the ring full is
// dropped and counted, and the next record that fits comes behind a K_TRACE_LOST.
//
//   the CPU                                          a reader
//     A  taken_ read (acquire)                         D  written_ read (acquire)
//     B  fills the slots behind written_               E  copies the slots from taken_ on
//     C  written_ += … (release)                       F  taken_ += … (release)
// C and D: the reader finds whole records. F and A: what is written over has been copied. Readers take turns
// by `reading_`; one that finds another at it has nothing for itself.
//
// Context: open() and close() where nobody else is at the ring (kernel/trace/trace.cpp).
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

#include <exec/chTrace.h>

#include <atomic>

namespace chorale {

class alignas(cache_line) TraceRing {
  public:
    // `count`: a power of two. The place is the ring's until close().
    void open(KnTraceRecord* records, u64 count);
    void close() { records_ = nullptr; }
    [[nodiscard]] KnTraceRecord* records() const { return records_; }

    // By the CPU: one more, unless it is lost.
    void put(const KnTraceRecord& record);

    // The oldest records, at most `count`, for `copy(first, count)`, once or, at the end of the place, twice:
    // false ends it, and then none is taken. `ended`: when, if the CPU writes no more; what it lost last is
    // told then. Returns how many were taken, or -1.
    template <class Copy>
    [[nodiscard]] int take(u64 count, u64 ended, const Copy& copy);

  private:
    [[nodiscard]] KnTraceRecord& slot(u64 number) { return records_[number & (size_ - 1)]; }
    [[nodiscard]] bool fits(const KnTraceRecord& record);
    [[nodiscard]] bool tell_lost(u64 now);

    KnTraceRecord* records_{};
    u64 size_{};
    Relaxed<u64> lost_; // not yet told
    std::atomic<u64> written_{};
    alignas(cache_line) std::atomic<u64> taken_{}; // the readers' own
    std::atomic<bool> reading_{};
};

template <class Copy>
int TraceRing::take(u64 count, u64 ended, const Copy& copy) {
    // acquire: pairs with the release below: `taken_` is the last reader's
    if (reading_.exchange(true, std::memory_order_acquire)) return 0;
    const u64 first = taken_.load(std::memory_order_relaxed); // relaxed: ordered by reading_
    if (ended != 0) static_cast<void>(tell_lost(ended));
    const u64 there = written_.load(std::memory_order_acquire) - first; // acquire: D of the head of this file
    const u64 taken = there < count ? there : count;
    const u64 to_end = size_ - (first & (size_ - 1));
    const u64 part = taken < to_end ? taken : to_end;
    const bool copied =
        (part == 0 || copy(&slot(first), part)) && (part == taken || copy(records_, taken - part));
    if (copied) taken_.store(first + taken, std::memory_order_release); // release: F
    reading_.store(false, std::memory_order_release); // release: pairs with the acquire above
    return copied ? static_cast<int>(taken) : -1;
}

} // namespace chorale
