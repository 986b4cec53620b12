#include "bench/host/lines.hpp"

#include "bench/host/structures.hpp"

#include <atomic>

namespace chorale::bench {

namespace {

constexpr unsigned trips = 64;

struct Line {
    alignas(cache_line) std::atomic<u64> there{};
    alignas(cache_line) std::atomic<u64> back{};
    u64 sent{};

    void round_trip() {
        // release and acquire, both ways: as the mailbox's slots
        there.store(++sent, std::memory_order_release);
        while (back.load(std::memory_order_acquire) != sent) { // acquire: as above
        }
    }
    void echo(const Partner::Leave& leave) {
        // relaxed: only when to stop
        for (u64 seen = 0; !leave.load(std::memory_order_relaxed);) {
            const u64 now = there.load(std::memory_order_acquire); // acquire: as above
            if (now == seen) continue;
            seen = now;
            back.store(now, std::memory_order_release); // release: as above
        }
    }
};

} // namespace

double line_round_trip() {
    Line line;
    const Partner partner{[&](const Partner::Leave& leave) { line.echo(leave); }};
    return measure_aside(trips, [&] { return run_batch(trips, [&](unsigned) { line.round_trip(); }); });
}

void measure_line(benchmark::State& state) {
    Line line;
    const Partner partner{[&](const Partner::Leave& leave) { line.echo(leave); }};
    measure(state, trips, [&](unsigned) { line.round_trip(); });
}

void tell_lines(benchmark::State& state, double line) {
    state.counters["line"] = line;
    state.counters["lines"] = state.counters["cycles"] / line;
}

} // namespace chorale::bench
