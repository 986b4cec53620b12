#include "tests/sim/run.hpp"

#include "arch/host/lockstep.hpp"
#include "arch/host/machine.hpp"
#include "kernel/call/names.hpp"
#include "kernel/core/pull.hpp"
#include "tests/sim/weak_lockstep.hpp"
#include "tests/sim/workload.hpp"

#include <chorus/message_registers.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace chorale::sim {

namespace {

constexpr u64 longest_run = 20'000'000; // steps

// A small fast generator (xorshift64*): the schedule is most of what chance there is.
class Random {
  public:
    explicit Random(u64 seed) : state_{seed * 0x9e37'79b9'7f4a'7c15 | 1} {}
    u64 operator()() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545'f491'4f6c'dd1d;
    }
    [[nodiscard]] bool once_in(unsigned n) { return n != 0 && ((*this)() >> 32) % n == 0; }
    [[nodiscard]] unsigned below(unsigned n) { return static_cast<unsigned>(((*this)() >> 32) % n); }

  private:
    u64 state_;
};

class Seeded final : public WeakChooser {
  public:
    explicit Seeded(const Schedule& schedule) : schedule_{schedule}, random_{schedule.seed} {}

    bool preempts(host::Boundary) override { return random_.once_in(schedule_.preemption); }
    // How many stores older than the newest a load sees.
    unsigned older(unsigned count) override {
        return random_.once_in(schedule_.weakness) ? random_.below(count) : 0;
    }
    unsigned choose(unsigned count, host::Choice what) override {
        if (schedule_.preemption == 0) return 0;
        // Most bells and alarms are prompt; some are late.
        if (what != host::Choice::next_cpu && !random_.once_in(4)) return 0;
        return random_.below(count);
    }

  private:
    Schedule schedule_;
    Random random_;
};

WeakLockstep* engine;
u64 events_hash;
bool tracing;
int report_pipe = -1;

void hash_event(u64 value) { events_hash = (events_hash ^ value) * 0x100'0000'01b3; }

// A column for each CPU, so that the eye follows who does what meanwhile.
void print_event(const host::Event& event, const std::string& text) {
    std::printf("%9lu %10lu  %*s%s\n", event.step, event.time, static_cast<int>(event.cpu * 26), "",
                text.c_str());
}

[[nodiscard]] std::string_view name_of_call(u64 number) {
    switch (number) {
    case MESSAGE_CALL:
        return "message call";
    case MESSAGE_REPLY_RECEIVE:
        return "message reply + receive";
    case MESSAGE_SEND:
        return "message send";
    case MESSAGE_RECEIVE:
        return "message receive";
    default:
        return call_name(static_cast<unsigned>(number));
    }
}

void on_event(const host::Event& event) {
    hash_event(event.step);
    hash_event(event.time << 8 | event.cpu);
    hash_event(event.first);
    if (!tracing) return;
    if (std::strcmp(event.what, "call") == 0) {
        print_event(event, fmt::format("{}({:#x})", name_of_call(event.first), event.second));
    } else {
        print_event(event, fmt::format("{} {:#x} {}", event.what, event.first, event.second));
    }
}

void on_operation(unsigned thread, const Op& op) {
    hash_event(thread << 8 | static_cast<unsigned>(op.kind));
    if (!tracing) return;
    const host::Event event{engine->steps(), engine->now(), host::this_cpu().index, "", 0, 0};
    print_event(event, fmt::format("[thread {} {}]", thread, text(op)));
}

void send_report(const std::string& reason) {
    const std::array<u64, 2> numbers{engine->steps(), events_hash};
    if (write(report_pipe, numbers.data(), sizeof numbers) < 0 ||
        write(report_pipe, reason.data(), reason.size()) < 0)
        std::perror("the report of a run");
}

[[nodiscard]] const char* outcome_text(host::Outcome outcome) {
    switch (outcome) {
    case host::Outcome::finished:
        return "";
    case host::Outcome::stuck:
        return "stuck: every CPU waits and nothing will ever come";
    case host::Outcome::endless:
        return "endless: no end in sight";
    case host::Outcome::stopped:
        return "the nucleus ended the machine";
    }
    return "";
}

[[noreturn]] void child(const Plan& plan, const Schedule& schedule) {
    Seeded chooser{schedule};
    engine->use(chooser);
    engine->become_weak(chooser, cpus);
    engine->listen(on_event);
    engine->set_patience(longest_run);
    set_operation_listener(on_operation);
    const host::Outcome outcome = host::run([&plan](u64) { return carry_out(plan); });
    if (outcome != host::Outcome::finished && tracing) tell_threads();
    send_report(outcome_text(outcome));
    std::fflush(stdout);
    _exit(outcome == host::Outcome::finished ? 0 : 1);
}

[[nodiscard]] std::string read_all(int from) {
    std::string all;
    std::array<char, 4096> piece;
    for (ssize_t got = read(from, piece.data(), piece.size()); got > 0;
         got = read(from, piece.data(), piece.size()))
        all.append(piece.data(), static_cast<std::size_t>(got));
    return all;
}

// The last words of a process that died: of panic(), of a sanitizer, of the host machine.
[[nodiscard]] std::string last_words(const std::string& output, int status) {
    for (const char* const mark : {"@panic ", "host machine: ", "data race", "ERROR: ", "runtime error: "}) {
        const std::size_t at = output.find(mark);
        if (at != std::string::npos) return output.substr(at, output.find_first_of("\r\n", at) - at);
    }
    return fmt::format("the process ended with {}",
                       WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "an error");
}

} // namespace

void failed(const std::string& what) {
    send_report(what);
    std::fflush(stdout);
    _exit(1);
}

void prepare() {
    engine = new WeakLockstep; // until the process ends
    pull_period = 5'000;       // runs are short
    host::boot({.cpus = cpus, .memory = memory_bytes, .command_line = "poll=off", .console = false}, *engine);
}

Schedule schedule_of(u64 seed) {
    constexpr std::array<unsigned, 4> rates{4, 16, 64, 400};
    constexpr std::array<unsigned, 3> weaknesses{4, 16, 0};
    return {seed, rates[seed % rates.size()], weaknesses[seed % weaknesses.size()]};
}

Verdict run(const Plan& plan, const Schedule& schedule, bool trace) {
    std::fflush(stdout);
    std::array<int, 2> report{}, output{};
    if (pipe(report.data()) != 0 || pipe(output.data()) != 0) {
        std::perror("a pipe for a run");
        std::exit(2);
    }
    const pid_t process = fork();
    if (process == 0) {
        close(report[0]);
        close(output[0]);
        report_pipe = report[1];
        tracing = trace;
        if (!trace) {
            dup2(output[1], STDOUT_FILENO);
            dup2(output[1], STDERR_FILENO);
        }
        close(output[1]);
        child(plan, schedule);
    }
    close(report[1]);
    close(output[1]);
    const std::string printed = read_all(output[0]);
    const std::string told = read_all(report[0]);
    close(report[0]);
    close(output[0]);
    int status = 0;
    waitpid(process, &status, 0);
    Verdict verdict;
    verdict.failed = status != 0;
    std::array<u64, 2> numbers{};
    if (told.size() >= sizeof numbers) {
        std::memcpy(numbers.data(), told.data(), sizeof numbers);
        verdict.reason = told.substr(sizeof numbers);
    }
    verdict.steps = numbers[0];
    verdict.hash = numbers[1];
    if (verdict.failed && verdict.reason.empty()) verdict.reason = last_words(printed, status);
    return verdict;
}

} // namespace chorale::sim
