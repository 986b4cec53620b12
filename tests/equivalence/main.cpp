// Runs random programs with the fast path and without it. Whatever a program can see must be the same. Exit
// status: 0 all were, 1 one was not, 2 wrong usage.
#include "arch/host/lockstep.hpp"
#include "arch/host/machine.hpp"
#include "fastpath/registers.hpp"
#include "tests/equivalence/world.hpp"

#include <machine/call_entry.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <getopt.h>
#include <span>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

chorale::u64 fast_exchanges; // since the program began

} // namespace

// The linker's --wrap: the only way in which an exchange leaves the fast path having been made.
extern "C" {
CHORALE_REGISTER_CALL void __real_fast_exit(CHORALE_MESSAGE_PARAMETERS);
CHORALE_REGISTER_CALL void __wrap_fast_exit(CHORALE_MESSAGE_PARAMETERS);
CHORALE_REGISTER_CALL void __wrap_fast_exit(CHORALE_MESSAGE_PARAMETERS) {
    ++fast_exchanges;
    __real_fast_exit(CHORALE_PASS(thread, name, tail, control));
}
}

namespace chorale::equivalence {

namespace {

constexpr u64 standard_programs = 4'000, longest_run = 3'000'000; // steps
constexpr u64 fewest_exchanges = 4;  // of the fast path for each program on average: else little is compared
constexpr u64 enough_programs = 200; // for an average

host::Lockstep& engine() {
    static host::Lockstep* const made = [] {
        auto* const engine = new host::Lockstep; // until the process ends
        host::boot({.cpus = 1, .memory = u64{16} << 20, .command_line = "poll=off", .console = false},
                   *engine);
        engine->set_patience(longest_run);
        return engine;
    }();
    return *made;
}

// What a run has seen; filled by a process of its own, so that both runs begin with the same nucleus.
struct Seen {
    static constexpr std::size_t limit = 20'000;
    std::size_t count;
    u64 exchanges; // of the fast path
    std::array<Entry, limit> entries;
    [[nodiscard]] std::span<const Entry> all() const { return std::span{entries}.first(count); }
};

[[nodiscard]] Seen& make_seen() {
    void* const memory = mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        std::perror("memory for what is seen");
        std::exit(2);
    }
    return *static_cast<Seen*>(memory);
}

void carry_out(const Plan& plan, bool fast, Log& log) {
    machine::use_call_entry(fast ? CallEntry::fast : CallEntry::slow);
    World world{.plan = plan, .log = log};
    const host::Outcome outcome = host::run([&world](u64) { return carry_out(world); });
    if (outcome != host::Outcome::finished) log.add({0, 0, "outcome", static_cast<long>(outcome), 0, 0, 0});
}

// In a process of its own. Some programs find a nucleus that is not new: ports and threads have been used,
// CPUs have waited.
[[noreturn]] void child(const Plan& plan, bool fast, Seen& seen) {
    Log before, log;
    if (plan.used) carry_out(make_plan(~plan.seed), true, before);
    const u64 exchanges = fast_exchanges;
    carry_out(plan, fast, log);
    seen.exchanges = fast_exchanges - exchanges;
    const std::vector<Entry>& entries = log.entries();
    seen.count = std::min(entries.size(), Seen::limit);
    std::copy_n(entries.begin(), seen.count, seen.entries.begin());
    _exit(0);
}

// Whether the nucleus survived it.
bool run(const Plan& plan, bool fast, Seen& seen) {
    seen.count = 0;
    std::fflush(stdout);
    const pid_t process = fork();
    if (process == 0) child(plan, fast, seen);
    int status = 0;
    waitpid(process, &status, 0);
    return status == 0;
}

struct Pair {
    Seen &fast = make_seen(), &slow = make_seen();
    bool survived{};

    void run(const Plan& plan) {
        const bool one = equivalence::run(plan, true, fast);
        survived = equivalence::run(plan, false, slow) && one;
    }
    [[nodiscard]] bool same() const { return survived && std::ranges::equal(fast.all(), slow.all()); }
    // The first place where they differ.
    [[nodiscard]] std::string difference() const {
        if (!survived) return "  the nucleus did not survive it\n";
        std::size_t i = 0;
        while (i < fast.count && i < slow.count && fast.entries[i] == slow.entries[i]) ++i;
        const auto entry = [i](const Seen& seen) {
            return i < seen.count ? text(seen.entries[i]) : "nothing more";
        };
        return "  fast: " + entry(fast) + "\n  slow: " + entry(slow) + "\n";
    }
};

// Fewer operations, as long as the two still differ.
[[nodiscard]] Plan shrink(Plan plan, Pair& pair) {
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (std::size_t thread = 0; thread < plan.threads.size(); ++thread) {
            for (std::size_t i = plan.threads[thread].ops.size(); i-- != 0;) {
                Plan less = plan;
                std::vector<Op>& ops = less.threads[thread].ops;
                ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(i));
                pair.run(less);
                if (pair.same()) continue;
                plan = less;
                smaller = true;
            }
        }
    }
    return plan;
}

void report(const Plan& plan, Pair& pair) {
    std::printf("DIFFERENT: program %lu\n%s%s", plan.seed, text(plan).c_str(), pair.difference().c_str());
    const Plan small = shrink(plan, pair);
    pair.run(small);
    std::printf("shrunk:\n%s%s", text(small).c_str(), pair.difference().c_str());
    std::printf("again: equivalence --seed %lu --trace\n", plan.seed);
}

void trace(const Plan& plan, const Pair& pair) {
    std::printf("%s", text(plan).c_str());
    for (const Entry& entry : pair.fast.all()) std::printf("  %s\n", text(entry).c_str());
}

struct Options {
    u64 seed = 1, count = standard_programs;
    bool trace = false, expects_difference = false;
};

[[nodiscard]] int compare(const Options& options) {
    const auto begin = std::chrono::steady_clock::now();
    u64 entries = 0, exchanges = 0;
    Digest digest;
    Pair pair;
    static_cast<void>(engine());
    for (u64 seed = options.seed; seed < options.seed + options.count; ++seed) {
        const Plan plan = make_plan(seed);
        pair.run(plan);
        if (options.trace) trace(plan, pair);
        if (!pair.same() && options.expects_difference) {
            std::printf("found by program %lu\n", seed);
            return 0;
        }
        if (!pair.same()) {
            report(plan, pair);
            return 1;
        }
        entries += pair.fast.count;
        exchanges += pair.fast.exchanges;
        for (const Entry& entry : pair.fast.all()) digest.add(entry.digest ^ static_cast<u64>(entry.result));
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    std::printf(
        "%lu programs, %lu entries, %lu exchanges by the fast path, none different; digest %016lx; %.1f s\n",
        options.count, entries, exchanges, digest.value(), time.count());
    const bool meant_something =
        options.count < enough_programs || exchanges >= fewest_exchanges * options.count;
    if (!meant_something) std::printf("too few exchanges by the fast path\n");
    return options.expects_difference || !meant_something ? 1 : 0;
}

constexpr const char* usage =
    "usage: equivalence [--seed N] [--count N] [--trace] [--expect-difference]\n"
    "  --seed N              the (first) program\n"
    "  --count N             so many programs, from that one on (4,000, or CHORALE_EQUIVALENCE_PROGRAMS)\n"
    "  --trace               what each program saw\n"
    "  --expect-difference   succeed when, and only when, a program sees one\n";

[[noreturn]] void refuse() {
    std::fputs(usage, stderr);
    std::exit(2);
}

[[nodiscard]] u64 number(const char* text) {
    char* end = nullptr;
    const u64 value = std::strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0') refuse();
    return value;
}

[[nodiscard]] Options parse(int count, char** words) {
    const option known[] = {{"seed", required_argument, nullptr, 's'},
                            {"count", required_argument, nullptr, 'c'},
                            {"trace", no_argument, nullptr, 't'},
                            {"expect-difference", no_argument, nullptr, 'e'},
                            {}};
    Options options;
    if (const char* const wanted = std::getenv("CHORALE_EQUIVALENCE_PROGRAMS"); wanted != nullptr)
        options.count = number(wanted);
    for (int which = 0; (which = getopt_long(count, words, "", known, nullptr)) != -1;) {
        if (which == 's') {
            options.seed = number(optarg);
        } else if (which == 'c') {
            options.count = number(optarg);
        } else if (which == 't') {
            options.trace = true;
        } else if (which == 'e') {
            options.expects_difference = true;
        } else {
            refuse();
        }
    }
    if (optind != count) refuse();
    return options;
}

} // namespace

} // namespace chorale::equivalence

int main(int count, char** words) {
    return chorale::equivalence::compare(chorale::equivalence::parse(count, words));
}
