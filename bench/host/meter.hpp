// How a benchmark measures: batches of operations between two looks at the counter. The figure of a run is
// the median of its batches, so that a batch during which the CPU was elsewhere does not show; an empty batch
// of the same length, measured the same way, is taken off.
//
// Counters of each result: `cycles` for each operation (counts of counter().kind()), `mean` (with the batches
// that were disturbed), `empty` (what was taken off).
#pragma once

#include "bench/host/counter.hpp"

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

namespace chorale::bench {

// Names are host.<noun>.<operation>, then what varies: .n100 of something. Google Benchmark finds out how
// often to run; that would take too long where most of the time goes before and after what is measured, so
// there `repeats` says it.
void add(const std::string& name, std::function<void(benchmark::State&)> run, unsigned repeats = 0);

class Figures {
  public:
    explicit Figures(unsigned operations, double empty) : operations_{operations}, empty_{empty} {}

    // A batch took so many counts; the same in seconds, net.
    double take(u64 counts);
    // Sets the counters. A result that is not above that of an empty loop is an error.
    void report(benchmark::State& state);

  private:
    unsigned operations_;
    double empty_; // counts of an empty batch
    std::vector<double> batches_;
};

template <class Operation>
[[gnu::always_inline]] inline u64 run_batch(unsigned operations, Operation&& operation) {
    const u64 begin = counter().read();
    for (unsigned i = 0; i != operations; ++i) operation(i);
    return counter().read() - begin;
}

[[nodiscard]] double median(std::vector<double> values); // of at least one

// Counts of an empty batch of that length: the median of many.
[[nodiscard]] double empty_batch(unsigned operations);

// Counts of one operation, outside of any benchmark: the median of many batches, net.
[[nodiscard]] double measure_aside(unsigned operations, const std::function<u64()>& batch);

// `operation(i)` is what is measured; `before()` and `after()` surround each batch. The number of operations
// must be large enough for the counter's own cost to be small beside them.
template <class Before, class Operation, class After>
void measure(benchmark::State& state, unsigned operations, Before&& before, Operation&& operation,
             After&& after) {
    Figures figures{operations, empty_batch(operations)};
    // Not counted: memory that is touched for the first time, code that has not been run.
    before();
    static_cast<void>(run_batch(operations, operation));
    after();
    while (state.KeepRunningBatch(operations)) {
        before();
        const u64 counts = run_batch(operations, operation);
        after();
        state.SetIterationTime(figures.take(counts));
    }
    figures.report(state);
}

template <class Operation>
void measure(benchmark::State& state, unsigned operations, Operation&& operation) {
    measure(state, operations, [] {}, operation, [] {});
}

template <class T>
inline void keep(const T& value) {
    benchmark::DoNotOptimize(value);
}

// A value that the compiler knows nothing of.
template <class T>
[[nodiscard]] inline T unknown(T value) {
    benchmark::DoNotOptimize(value);
    return value;
}

// Pseudo-random and the same in every run.
class Random {
  public:
    u64 next() {
        state_ = state_ * 6364136223846793005 + 1442695040888963407;
        return state_ >> 33;
    }
    [[nodiscard]] std::vector<unsigned> permutation(unsigned count);

  private:
    u64 state_{1};
};

// ---- the benchmarks ----------------------------------------------------------------------------
// Each program has its own: structures.cpp, machine_calls.cpp.
void add_benchmarks();

void add_mailboxes();
void add_memory();
void add_messages();
void add_names();
void add_page_tables();
void add_peer_hash();
void add_queues();
void add_run_queues();
void add_spaces();
void add_timers();

} // namespace chorale::bench
