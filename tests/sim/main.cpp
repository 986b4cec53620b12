// The simulator's command. Exit status: 0 no run failed, 1 one did, 2 wrong usage.
#include "tests/sim/run.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <getopt.h>
#include <string>
#include <unistd.h>

namespace chorale::sim {

namespace {

constexpr u64 standard_runs = 10'000;

struct Options {
    u64 seed = 1;
    u64 count = 1;
    bool trace = false;
    bool shrinks = true;
    bool expects_failure = false;
};

constexpr const char* usage =
    "usage: sim [--seed N] [--count N] [--share N/M] [--trace] [--no-shrink] [--expect-failure]\n"
    "  --seed N           the (first) run; the same number is the same run\n"
    "  --count N          so many runs, from that seed on\n"
    "  --share N/M        the N-th of M parts of CHORALE_SIM_SEEDS runs (10,000)\n"
    "  --trace            what happens, a column for each CPU\n"
    "  --no-shrink        report a failing run as it is\n"
    "  --expect-failure   succeed when, and only when, a run fails\n";

[[nodiscard]] u64 number(const char* text) {
    u64 value = 0;
    const char* const end = text + std::strlen(text);
    const auto [rest, error] = std::from_chars(text, end, value);
    if (error == std::errc{} && rest == end) return value;
    std::fprintf(stderr, "sim: '%s' is not a number\n%s", text, usage);
    std::exit(2);
}

// Parts of one long run, side by side.
void take_share(Options& options, const std::string& text) {
    const std::size_t slash = text.find('/');
    const u64 part = number(text.substr(0, slash).c_str());
    const u64 parts = slash == std::string::npos ? 0 : number(text.substr(slash + 1).c_str());
    if (part == 0 || part > parts) {
        std::fprintf(stderr, "sim: '%s' is no share such as 1/2\n%s", text.c_str(), usage);
        std::exit(2);
    }
    const char* const wanted = std::getenv("CHORALE_SIM_SEEDS");
    const u64 all = wanted != nullptr ? number(wanted) : standard_runs;
    options.seed = 1 + all * (part - 1) / parts;
    options.count = 1 + all * part / parts - options.seed;
}

[[nodiscard]] Options parse(int count, char** words) {
    const option known[] = {{"seed", required_argument, nullptr, 's'},
                            {"count", required_argument, nullptr, 'c'},
                            {"share", required_argument, nullptr, 'p'},
                            {"trace", no_argument, nullptr, 't'},
                            {"no-shrink", no_argument, nullptr, 'n'},
                            {"expect-failure", no_argument, nullptr, 'e'},
                            {}};
    Options options;
    for (int which = 0; (which = getopt_long(count, words, "", known, nullptr)) != -1;) {
        switch (which) {
        case 's':
            options.seed = number(optarg);
            break;
        case 'c':
            options.count = number(optarg);
            break;
        case 'p':
            take_share(options, optarg);
            break;
        case 't':
            options.trace = true;
            break;
        case 'n':
            options.shrinks = false;
            break;
        case 'e':
            options.expects_failure = true;
            break;
        default:
            std::fputs(usage, stderr);
            std::exit(2);
        }
    }
    if (optind == count) return options;
    std::fputs(usage, stderr);
    std::exit(2);
}

// The source lines of the code addresses in a report, if there is a symbolizer.
[[nodiscard]] std::string places(const std::string& reason) {
    std::string found;
    for (std::size_t at = reason.find("pc 0x"); at != std::string::npos; at = reason.find("pc 0x", at + 1)) {
        const std::string pc = reason.substr(at + 3, reason.find_first_of(";, ", at + 3) - at - 3);
        const std::string command = "llvm-symbolizer-19 --inlining=false --pretty-print --obj=/proc/" +
                                    std::to_string(getpid()) + "/exe " + pc + " 2>/dev/null";
        FILE* const output = popen(command.c_str(), "r");
        char line[512];
        while (output != nullptr && std::fgets(line, sizeof line, output) != nullptr) {
            if (line[0] != '\n') found += "  " + pc + " is " + line;
        }
        if (output != nullptr) pclose(output);
    }
    return found;
}

void report(const Plan& plan, const Verdict& verdict, const Options& options) {
    std::printf("FAILED: %s\n%s%s", verdict.reason.c_str(), text(plan).c_str(),
                places(verdict.reason).c_str());
    std::printf("again:  sim --seed %lu --trace\n", plan.seed);
    if (!options.shrinks) return;
    const Shrunk small = shrink(plan, schedule_of(plan.seed), verdict);
    std::printf("shrunk to %zu operations: %s\n%s", size(small.plan), small.verdict.reason.c_str(),
                text(small.plan).c_str());
    std::printf("its trace (step, nanoseconds, a column for each CPU):\n");
    static_cast<void>(run(small.plan, small.schedule, true));
}

[[nodiscard]] int simulate(const Options& options) {
    const auto begin = std::chrono::steady_clock::now();
    u64 steps = 0;
    for (u64 seed = options.seed; seed < options.seed + options.count; ++seed) {
        const Plan plan = make_plan(seed);
        const Verdict verdict = run(plan, schedule_of(seed), options.trace);
        steps += verdict.steps;
        if (verdict.failed) {
            if (options.expects_failure) {
                std::printf("found at seed %lu, run %lu: %s\n", seed, seed - options.seed + 1,
                            verdict.reason.c_str());
                return 0;
            }
            report(plan, verdict, options);
            return 1;
        }
        if (options.count == 1)
            std::printf("seed %lu: %lu steps, hash %016lx\n", seed, verdict.steps, verdict.hash);
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    std::printf("%lu runs, %lu steps, none failed; %.1f s\n", options.count, steps, time.count());
    return options.expects_failure ? 1 : 0;
}

} // namespace

} // namespace chorale::sim

int main(int count, char** words) {
    const chorale::sim::Options options = chorale::sim::parse(count, words);
    chorale::sim::prepare();
    return chorale::sim::simulate(options);
}
