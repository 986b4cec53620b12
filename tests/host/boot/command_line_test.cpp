// The kernel command line: each key, each complaint, and lines made of noise.
#include "kernel/boot/command_line.hpp"

#include "tests/host/formats/blob.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace chorale::boot {
namespace {

struct Outcome {
    BootOptions options;
    std::vector<std::string> problems; // "key: message hint"
};

Outcome parse(std::string_view line) {
    Outcome outcome;
    outcome.options = parse_command_line(line, [&](const CommandLineProblem& problem) {
        std::string text = std::string{problem.key} + ": " + std::string{problem.message};
        if (!problem.hint.empty()) text += " " + std::string{problem.hint};
        outcome.problems.push_back(text);
    });
    return outcome;
}

using Problems = std::vector<std::string>;

TEST(CommandLine, EmptyGivesTheDefaults) {
    for (const std::string_view line : {"", " ", "\t\n\r "}) {
        const Outcome outcome = parse(line);
        EXPECT_TRUE(outcome.problems.empty());
        EXPECT_EQ(outcome.options.cpus, cpu_limit);
        EXPECT_EQ(outcome.options.console, Console::com1);
        EXPECT_TRUE(outcome.options.bench.empty());
        EXPECT_TRUE(outcome.options.test.empty());
        EXPECT_TRUE(outcome.options.fastpath);
        EXPECT_EQ(outcome.options.stress_seconds, 0U);
        EXPECT_EQ(outcome.options.fail_allocation, 0U);
        EXPECT_EQ(outcome.options.poll, Polling::automatic);
        EXPECT_TRUE(outcome.options.run.empty());
        EXPECT_EQ(outcome.options.seed, 0U);
        EXPECT_EQ(outcome.options.credits, 0U);
        EXPECT_FALSE(outcome.options.irq_check);
    }
}

TEST(CommandLine, ReadsEveryKey) {
    const Outcome outcome = parse("cpus=4 console=com2 bench=same test=ipc fastpath=off smp.stress=20 "
                                  "fail.alloc=17 poll=on run=ipcbench,echo bench.rounds=9 "
                                  "seed=0xDEADbeef irq=check ipc.credits=64");
    EXPECT_EQ(outcome.problems, Problems{});
    EXPECT_EQ(outcome.options.cpus, 4U);
    EXPECT_EQ(outcome.options.console, Console::com2);
    EXPECT_EQ(outcome.options.bench, "same");
    EXPECT_EQ(outcome.options.test, "ipc");
    EXPECT_FALSE(outcome.options.fastpath);
    EXPECT_EQ(outcome.options.stress_seconds, 20U);
    EXPECT_EQ(outcome.options.fail_allocation, 17U);
    EXPECT_EQ(outcome.options.poll, Polling::on);
    EXPECT_EQ(outcome.options.bench_rounds, 9U);
    EXPECT_EQ(outcome.options.run, "ipcbench,echo");
    EXPECT_EQ(outcome.options.seed, 0xdead'beefU);
    EXPECT_EQ(outcome.options.credits, 64U);
    EXPECT_TRUE(outcome.options.irq_check);
}

TEST(CommandLine, ReadsEveryChoice) {
    EXPECT_EQ(parse("console=com1").options.console, Console::com1);
    EXPECT_EQ(parse("console=none").options.console, Console::none);
    EXPECT_TRUE(parse("fastpath=on").options.fastpath);
    EXPECT_EQ(parse("poll=off").options.poll, Polling::off);
    EXPECT_EQ(parse("poll=auto").options.poll, Polling::automatic);
    EXPECT_FALSE(parse("irq=on").options.irq_check);
}

TEST(CommandLine, TextIsAViewIntoTheLine) {
    const std::string line = "run=echo";
    const Outcome outcome = parse(line);
    EXPECT_EQ(outcome.options.run.data(), line.data() + 4);
}

TEST(CommandLine, QuotesKeepSpaces) {
    const Outcome outcome = parse("bench=\"null call\"\tcpus=\"2\" run=\"\"");
    EXPECT_EQ(outcome.problems, Problems{});
    EXPECT_EQ(outcome.options.bench, "null call");
    EXPECT_EQ(outcome.options.cpus, 2U);
    EXPECT_EQ(parse("run=a\"b").options.run, "a\"b");
    EXPECT_EQ(parse("run=a=b").options.run, "a=b");
}

TEST(CommandLine, ReportsQuotesThatMakeNoSense) {
    EXPECT_EQ(parse("run=\"a b").problems, Problems{"run: no closing quote"});
    EXPECT_EQ(parse("run=\"").problems, Problems{"run: no closing quote"});
    const Outcome outcome = parse("run=\"a\"b cpus=3");
    EXPECT_EQ(outcome.problems, Problems{"run: text after the quote"});
    EXPECT_TRUE(outcome.options.run.empty());
    EXPECT_EQ(outcome.options.cpus, 3U);
}

TEST(CommandLine, ReportsUnknownKeysAndGoesOn) {
    const Outcome outcome = parse("quiet root=/dev/sda CPUS=2 =x cpu=1 cpuss=1 cpus=2");
    EXPECT_EQ(outcome.problems, (Problems{"quiet: unknown key", "root: unknown key", "CPUS: unknown key",
                                          ": unknown key", "cpu: unknown key", "cpuss: unknown key"}));
    EXPECT_EQ(outcome.options.cpus, 2U);
}

TEST(CommandLine, ReportsAMissingValue) {
    EXPECT_EQ(parse("fastpath").problems, Problems{"fastpath: no value on|off"});
    EXPECT_EQ(parse("cpus").problems, Problems{"cpus: no value"});
    EXPECT_EQ(parse("cpus=").problems, Problems{"cpus: not a number"});
}

TEST(CommandLine, ChecksNumbers) {
    for (const std::string_view value :
         {"-1", "+1", "1x", "x", "0x", "0xg", "1.0", "1,0", "18446744073709551616", "0x10000000000000000",
          "99999999999999999999999999"})
        EXPECT_EQ(parse("seed=" + std::string{value}).problems, Problems{"seed: not a number"}) << value;
    EXPECT_EQ(parse("seed=18446744073709551615").options.seed, ~std::uint64_t{0});
    EXPECT_EQ(parse("seed=0xffffffffffffffff").options.seed, ~std::uint64_t{0});
    EXPECT_EQ(parse("seed=007").options.seed, 7U);
}

TEST(CommandLine, ChecksRanges) {
    for (const std::string_view value : {"0", "65", "18446744073709551615"}) {
        const Outcome outcome = parse("cpus=" + std::string{value});
        EXPECT_EQ(outcome.problems, Problems{"cpus: out of range"}) << value;
        EXPECT_EQ(outcome.options.cpus, cpu_limit);
    }
    EXPECT_EQ(parse("cpus=1").options.cpus, 1U);
    EXPECT_EQ(parse("cpus=64").options.cpus, 64U);
    EXPECT_EQ(parse("smp.stress=86401").problems, Problems{"smp.stress: out of range"});
}

TEST(CommandLine, ChecksChoices) {
    for (const std::string_view value : {"com3", "com", "com1|com2", "COM1", "|", ""})
        EXPECT_EQ(parse("console=" + std::string{value}).problems,
                  Problems{"console: not one of com1|com2|none"})
            << value;
    EXPECT_EQ(parse("fastpath=yes").problems, Problems{"fastpath: not one of on|off"});
}

TEST(CommandLine, TheLastOfTwoHolds) {
    const Outcome outcome = parse("cpus=2 cpus=3");
    EXPECT_EQ(outcome.problems, Problems{"cpus: given twice"});
    EXPECT_EQ(outcome.options.cpus, 3U);
    // A bad one was never given.
    EXPECT_EQ(parse("cpus=x cpus=3").problems, Problems{"cpus: not a number"});
    EXPECT_EQ(parse("cpus=2 cpus=x").options.cpus, 2U);
}

TEST(CommandLine, ChecksText) {
    const std::string longest(command_value_limit, 'a');
    EXPECT_EQ(parse("run=" + longest).options.run, longest);
    EXPECT_EQ(parse("run=" + longest + "a").problems, Problems{"run: value too long"});
    EXPECT_EQ(parse("run=a\x1b[2J").problems, Problems{"run: unprintable value"});
    EXPECT_EQ(parse("run=\"\xc3\xa4\"").problems, Problems{"run: unprintable value"});
}

TEST(CommandLine, EndsAtANul) {
    const Outcome outcome = parse({"cpus=2\0cpus=3", 13});
    EXPECT_EQ(outcome.problems, Problems{});
    EXPECT_EQ(outcome.options.cpus, 2U);
}

TEST(CommandLine, CutsALongLineBetweenWords) {
    std::string line = "cpus=2";
    line.resize(command_line_limit - 3, ' ');
    line += "seed=12345";
    const Outcome outcome = parse(line);
    EXPECT_EQ(outcome.problems, Problems{": command line too long"});
    EXPECT_EQ(outcome.options.cpus, 2U);
    EXPECT_EQ(outcome.options.seed, 0U);
    EXPECT_EQ(parse(std::string(5000, 'x')).problems, Problems{": command line too long"});

    std::string full = "seed=5";
    full.insert(0, command_line_limit - full.size(), ' ');
    EXPECT_EQ(parse(full).problems, Problems{});
    EXPECT_EQ(parse(full).options.seed, 5U);
    EXPECT_EQ(parse(full + " cpus=2").options.seed, 5U);
}

TEST(CommandLine, BoundsTheNumberOfWords) {
    std::string line;
    for (std::size_t i = 0; i < command_word_limit; ++i) line += "a ";
    EXPECT_EQ(parse(line).problems.size(), command_word_limit);
    const Outcome outcome = parse(line + "b cpus=2");
    ASSERT_EQ(outcome.problems.size(), command_word_limit + 1);
    EXPECT_EQ(outcome.problems.back(), "b: too many words");
    EXPECT_EQ(outcome.options.cpus, cpu_limit);
}

void expect_sound(const BootOptions& options) {
    EXPECT_GE(options.cpus, 1U);
    EXPECT_LE(options.cpus, cpu_limit);
    EXPECT_LE(options.stress_seconds, 86400U);
    EXPECT_LE(static_cast<int>(options.console), 2);
    EXPECT_LE(static_cast<int>(options.poll), 2);
    for (const std::string_view text : {options.bench, options.test, options.run})
        EXPECT_LE(text.size(), command_value_limit);
}

TEST(CommandLine, EveryTruncationIsHarmless) {
    test::Blob blob;
    blob.add_text("cpus=4 console=com2 bench=\"a b\" fastpath=off poll=on run=x,y seed=0xff");
    for (std::size_t length = 0; length <= blob.size(); ++length)
        expect_sound(parse(characters(test::Exact{blob.view(), length}.view())).options);
}

TEST(CommandLine, SurvivesNoise) {
    std::mt19937_64 random{3};
    constexpr std::string_view pieces[] = {"cpus",     "=",    "\"",   " ",  "0x",         "1",
                                           "run",      "poll", "off",  "\t", "9999999999", "seed",
                                           "console=", "com1", "\xff", "a",  "fastpath=on"};
    for (int i = 0; i < 5000; ++i) {
        test::Blob line;
        for (std::uint64_t count = random() % 40; count > 0; --count)
            line.add_text(pieces[random() % std::size(pieces)]);
        const test::Exact exact{line.view()};
        expect_sound(parse(characters(exact.view())).options);
    }
}

} // namespace
} // namespace chorale::boot
