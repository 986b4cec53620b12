// Command lines: every option is in its range, and the options written out again read the same.
#include "kernel/boot/command_line.hpp"

#include "fuzz/target.hpp"

#include <string>

namespace chorale::fuzz {
namespace {

using boot::BootOptions;

void check_text(std::string_view text, formats::Bytes line) {
    must(inside(text, line), "a text lies in the line");
    must(text.size() <= boot::command_value_limit, "a text is short");
    for (const char c : text) must(c >= ' ' && c <= '~', "a text is printable");
}

void check(const BootOptions& options, formats::Bytes line) {
    must(options.cpus >= 1 && options.cpus <= boot::cpu_limit, "cpus is in its range");
    must(options.console <= boot::Console::none, "console is one of its words");
    must(options.poll <= boot::Polling::automatic, "poll is one of its words");
    must(options.bench_rounds <= 1'000'000'000, "bench.rounds is in its range");
    must(options.stress_seconds <= 24 * 60 * 60, "smp.stress is in its range");
    for (const std::string_view text : {options.bench, options.test, options.run}) check_text(text, line);
}

[[nodiscard]] std::string written(std::string_view key, std::string_view text) {
    // A text with a quote in it came without quotes around it.
    const std::string quote = text.contains('"') ? "" : "\"";
    return " " + std::string{key} + "=" + quote + std::string{text} + quote;
}

[[nodiscard]] std::string written(const BootOptions& options) {
    constexpr const char* consoles[] = {"com1", "com2", "none"};
    constexpr const char* polling[] = {"on", "off", "auto"};
    std::string line = "cpus=" + std::to_string(options.cpus);
    line += std::string{" console="} + consoles[static_cast<unsigned>(options.console)];
    line += std::string{" poll="} + polling[static_cast<unsigned>(options.poll)];
    line += std::string{" fastpath="} + (options.fastpath ? "on" : "off");
    line += std::string{" irq="} + (options.irq_check ? "check" : "on");
    line += " bench.rounds=" + std::to_string(options.bench_rounds);
    line += " smp.stress=" + std::to_string(options.stress_seconds);
    line += " fail.alloc=" + std::to_string(options.fail_allocation);
    if (options.credits != 0) line += " ipc.credits=" + std::to_string(options.credits);
    line += " seed=" + std::to_string(options.seed);
    return line + written("bench", options.bench) + written("test", options.test) +
           written("run", options.run);
}

[[nodiscard]] bool same(const BootOptions& a, const BootOptions& b) {
    return a.cpus == b.cpus && a.console == b.console && a.bench == b.bench &&
           a.bench_rounds == b.bench_rounds && a.test == b.test && a.fastpath == b.fastpath &&
           a.stress_seconds == b.stress_seconds && a.fail_allocation == b.fail_allocation &&
           a.poll == b.poll && a.run == b.run && a.seed == b.seed && a.credits == b.credits &&
           a.irq_check == b.irq_check;
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const chorale::formats::Bytes bytes = bytes_of(data, size);
    std::size_t problems = 0;
    const BootOptions options = chorale::boot::parse_command_line(
        chorale::formats::characters(bytes), [&](const chorale::boot::CommandLineProblem& problem) {
            must(!problem.message.empty(), "a problem has a text");
            must(inside(problem.key, bytes) && inside(problem.value, bytes), "a problem quotes the line");
            ++problems;
        });
    must(problems <= chorale::boot::command_word_limit + 2, "one problem for each word, and the line's own");
    check(options, bytes);

    const std::string line = written(options);
    if (line.size() > chorale::boot::command_line_limit) return 0;
    const BootOptions again = chorale::boot::parse_command_line(
        line, [](const auto&) { must(false, "options written out have no problem"); });
    must(same(options, again), "options written out read the same");
    return 0;
}
