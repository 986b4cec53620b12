// A host benchmark: the nucleus's own code at full speed in a Linux process.
//
//   host_bench|host_machine_bench [--counter=perf_event|tsc] [any option of Google Benchmark]
//
// Its JSON is Google Benchmark's; what each result holds is told in meter.hpp and docs/host-benchmarks.md.
// The exit status is 1 when a benchmark failed.
#include "bench/host/counter.hpp"
#include "bench/host/meter.hpp"
#include "bench/host/places.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#if !defined(__OPTIMIZE__) || !defined(NDEBUG) || __has_feature(address_sanitizer) ||                        \
    __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#error "a benchmark of anything but a release build says nothing"
#endif

namespace chorale::bench {

namespace {

unsigned failures;

// Google Benchmark puts how time was taken into each name, and how often.
template <class Reporter>
class PlainNames : public Reporter {
  public:
    using Runs = std::vector<benchmark::BenchmarkReporter::Run>;

    void ReportRuns(const Runs& runs) override {
        Runs plain = runs;
        for (auto& run : plain) {
            run.run_name.time_type.clear();
            run.run_name.iterations.clear();
            if (run.error_occurred) ++failures;
        }
        Reporter::ReportRuns(plain);
    }
};

void tell_context(const CycleCounter& count) {
    benchmark::AddCustomContext("counter", count.kind());
    if (!count.reason().empty()) benchmark::AddCustomContext("counter_reason", count.reason());
    benchmark::AddCustomContext("counter_unit", count.unit());
    benchmark::AddCustomContext("counter_per_second", std::to_string(std::llround(count.per_second())));
    benchmark::AddCustomContext("counts_per_multiply_add", std::to_string(count.counts_per_step()));
    const std::string second = places().two ? ' ' + std::to_string(places().second) : "";
    benchmark::AddCustomContext("cpus_used", std::to_string(places().first) + second);
    benchmark::AddCustomContext("build", "release, clang " __clang_version__);
}

// Options of ours out, defaults in before those of the user, which win.
[[nodiscard]] CycleCounter::Choice choose(std::vector<std::string>& words) {
    auto choice = CycleCounter::Choice::automatic;
    std::erase_if(words, [&](std::string_view word) {
        if (word == "--counter=perf_event")
            choice = CycleCounter::Choice::perf_event;
        else if (word == "--counter=tsc")
            choice = CycleCounter::Choice::tsc;
        else
            return false;
        return true;
    });
    words.insert(words.begin() + 1, {"--benchmark_repetitions=9", "--benchmark_min_time=0.01"});
    return choice;
}

int run(int count, char** arguments) {
    std::vector<std::string> words(arguments, arguments + count);
    const CycleCounter::Choice choice = choose(words);
    bool to_file = false;
    std::vector<char*> pointers;
    for (std::string& word : words) {
        to_file = to_file || word.starts_with("--benchmark_out=");
        pointers.push_back(word.data());
    }
    int left = static_cast<int>(pointers.size());
    benchmark::Initialize(&left, pointers.data());
    if (benchmark::ReportUnrecognizedArguments(left, pointers.data())) return 2;

    stay_on(places().first);
    use_counter(std::make_unique<CycleCounter>(choice));
    tell_context(counter());
    add_benchmarks();

    PlainNames<benchmark::ConsoleReporter> console;
    PlainNames<benchmark::JSONReporter> file;
    const std::size_t done = to_file ? benchmark::RunSpecifiedBenchmarks(&console, &file)
                                     : benchmark::RunSpecifiedBenchmarks(&console);
    return done == 0 || failures != 0 ? 1 : 0;
}

} // namespace

} // namespace chorale::bench

int main(int count, char** arguments) {
    try {
        return chorale::bench::run(count, arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "host benchmark: %s\n", error.what());
        return 1;
    }
}
