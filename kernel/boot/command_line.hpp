// The kernel command line: `key=value key="value with spaces"`, checked against one table of typed keys.
// Invariant: every option holds a value in its range; text options are views into the line, which must
// stay where it is.
#pragma once

#include "formats/callback.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chorale::boot {

using namespace formats;

inline constexpr std::size_t command_line_limit = 1024;
inline constexpr std::size_t command_word_limit = 64;
inline constexpr std::size_t command_value_limit = 256;
inline constexpr std::uint64_t cpu_limit = 64;

enum class Console : std::uint8_t { com1, com2, none };
enum class Polling : std::uint8_t { on, off, automatic };

struct BootOptions {
    std::uint64_t cpus = cpu_limit;    // cpus=N: most CPUs to start
    Console console = Console::com1;   // console=com1|com2|none
    std::string_view bench;            // bench=GROUP|NAME,...; empty: no benchmark
    std::uint64_t bench_rounds = 0;    // bench.rounds=N: of each measurement; 0: its own number
    std::string_view test;             // test=SUITE; empty: no test
    bool fastpath = true;              // fastpath=on|off
    std::uint64_t stress_seconds = 0;  // smp.stress=SECONDS; 0: the test's own length
    std::uint64_t credits = 0;         // ipc.credits=N: of each actor; 0: the usual number
    std::uint64_t fail_allocation = 0; // fail.alloc=N: the N-th allocation fails; 0: none
    Polling poll = Polling::automatic; // poll=on|off|auto
    std::string_view run;              // run=actor[,actor]; empty: the bank's default
    std::uint64_t seed = 0;            // seed=N; 0: the nucleus chooses
    bool irq_check = false;            // irq=on|check: check: whether device interrupts come, on riscv64
};

// One complaint, to be printed as `key: message hint`; the views live as long as the line.
struct CommandLineProblem {
    std::string_view key;
    std::string_view value;
    std::string_view message;
    std::string_view hint; // the values that are possible, or nothing
};

// A bad word leaves its option alone; of two words with one key the last holds. All problems are reported.
[[nodiscard]] BootOptions parse_command_line(std::string_view line,
                                             Callback<void(const CommandLineProblem&)> report);

} // namespace chorale::boot
