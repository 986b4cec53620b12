#include "bench/host/meter.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace chorale::bench {

namespace {

[[nodiscard]] double median_of_batches(const std::function<u64()>& batch) {
    constexpr std::size_t looks = 51;
    std::vector<double> batches(looks);
    std::ranges::generate(batches, [&] { return static_cast<double>(batch()); });
    return median(batches);
}

[[nodiscard]] double least(const std::vector<double>& values) { return *std::ranges::min_element(values); }

} // namespace

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

void add(const std::string& name, std::function<void(benchmark::State&)> run, unsigned repeats) {
    auto* const made = benchmark::RegisterBenchmark(name.c_str(), std::move(run));
    made->UseManualTime()->ComputeStatistics("min", least);
    if (repeats != 0) made->Iterations(repeats);
}

double Figures::take(u64 counts) {
    const double net = static_cast<double>(counts) - empty_;
    batches_.push_back(net / operations_);
    return std::max(net, 0.0) / counter().per_second();
}

void Figures::report(benchmark::State& state) {
    if (batches_.empty()) return;
    const double mean =
        std::accumulate(batches_.begin(), batches_.end(), 0.0) / static_cast<double>(batches_.size());
    const double cycles = median(batches_);
    if (cycles <= 0) {
        state.SkipWithError("measured nothing: not dearer than an empty loop");
        return;
    }
    state.counters["cycles"] = cycles;
    state.counters["mean"] = mean;
    state.counters["empty"] = empty_ / operations_;
}

double empty_batch(unsigned operations) {
    static std::map<unsigned, double> known;
    double& counts = known[operations];
    if (counts == 0)
        counts = median_of_batches([=] { return run_batch(operations, [](unsigned i) { keep(i); }); });
    return counts;
}

double measure_aside(unsigned operations, const std::function<u64()>& batch) {
    return (median_of_batches(batch) - empty_batch(operations)) / operations;
}

std::vector<unsigned> Random::permutation(unsigned count) {
    std::vector<unsigned> order(count);
    std::iota(order.begin(), order.end(), 0);
    for (unsigned left = count; left > 1; --left) std::swap(order[left - 1], order[next() % left]);
    return order;
}

} // namespace chorale::bench
