// ktrace: what the actors of this site do, as it happens.
#include "commands/common.hpp"
#include "commands/ktrace/events.hpp"
#include "commands/ktrace/lines.hpp"
#include "commands/ktrace/program.hpp"
#include "commands/ktrace/recorder.hpp"
#include "commands/ktrace/settings.hpp"
#include "commands/ktrace/summary.hpp"
#include "commands/ktrace/terminal.hpp"
#include "commands/ktrace/text.hpp"
#include "commands/ktrace/transfer.hpp"

#include <exec/chTime.h>

#include <errno.h>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

using namespace chorale;
using namespace chorale::ktrace;

namespace {

class Nucleus final : public Recorder {
  public:
    int read(unsigned cpu, KnTraceRecord* records, unsigned count) override {
        return traceRead(cpu, records, count);
    }
    int stop() override { return traceStop(); }
    std::uint64_t now() override {
        KnTimeVal time{};
        sysTime(&time);
        return static_cast<std::uint64_t>(time.tmSec) * 1000000000 + static_cast<std::uint64_t>(time.tmNSec);
    }
};

// Several views of one trace.
class Views final : public Listener {
  public:
    void add(View& view) { views_.push_back(&view); }
    void on_record(const Happening& what) override {
        for (View* const view : views_) view->on_record(what);
    }
    void on_abandoned(TracedActor& actor, TracedThread& thread, const OpenCall& call,
                      std::uint64_t time) override {
        for (View* const view : views_) view->on_abandoned(actor, thread, call, time);
    }
    void finish() {
        for (View* const view : views_) view->finish();
    }

  private:
    std::vector<View*> views_;
};

void start_trace(const Settings& settings, Program* program) {
    const int result = traceStart(settings.records);
    if (result == K_OK) return;
    if (program != nullptr) program->drop();
    if (result == K_EBUSY)
        commands::fail(
            "somebody traces this site already: one trace at a time (aps shows who, akill ends it)");
    if (result == K_EPRIV)
        commands::fail("only SYSTEM actors may trace (arun -T %s)", program_invocation_short_name);
    if (result == K_ENOMEM)
        commands::fail("no memory for %u records of each CPU: less with -b", settings.records);
    commands::fail("trace: %s", commands::reason(result));
}

[[nodiscard]] unsigned count_cpus() {
    KnSysStatistics statistics{};
    if (const int result = sysStatistics(&statistics); result != K_OK)
        commands::fail("statistics: %s", commands::reason(result));
    return static_cast<unsigned>(statistics.cpus);
}

[[nodiscard]] std::string own_name() {
    char name[K_ACTORNAMEMAX]{};
    return actorName(K_MYACTOR, name, nullptr) == K_OK ? name : program_invocation_short_name;
}

// What is in it stays until a trace has begun: another one may be writing it.
[[nodiscard]] int open_file(const std::string& path) {
    const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) commands::fail("%s: %s", path.c_str(), strerror(errno));
    return descriptor;
}

// A device cannot be emptied, and need not be.
void empty(int descriptor) { static_cast<void>(ftruncate(descriptor, 0)); }

// Until the command has ended, the time is over, or somebody types Ctrl-C. Between two rounds it rests, so
// that a CPU that it shares is the others' most of the time.
void follow(const Settings& settings, TraceReader& reader, Recorder& clock, Program* program, Output& shown) {
    Keys keys{program == nullptr};
    const std::uint64_t end = settings.nanoseconds == 0 ? UINT64_MAX : clock.now() + settings.nanoseconds;
    constexpr std::size_t many = 2048;                 // ktrace itself makes some dozens in a round
    constexpr std::uint64_t rest = 10, short_rest = 1; // milliseconds
    for (;;) {
        const std::uint64_t wanted = reader.round() > many ? short_rest : rest;
        shown.flush();
        if (shown.error() != 0 || reader.error() != K_OK) return;
        const std::uint64_t now = clock.now();
        if (now >= end) return;
        pollfd files[] = {{program != nullptr ? program->end_descriptor() : -1, POLLIN, 0},
                          {keys.descriptor(), POLLIN, 0}};
        const std::uint64_t left = (end - now) / 1000000 + 1;
        if (poll(files, 2, static_cast<int>(left < wanted ? left : wanted)) <= 0) continue;
        if (files[0].revents != 0) return;
        if (files[1].revents != 0 && keys.want_end()) return;
    }
}

// To the terminal, for the file of standard output may be what is shown.
void report(const Settings& settings, const TraceReader& reader, const SiteLog& log, const Output* file) {
    if (file != nullptr && file->error() == 0)
        fprintf(stderr, "%s: %llu records, %llu bytes in %s\n", program_invocation_short_name,
                static_cast<unsigned long long>(reader.records()),
                static_cast<unsigned long long>(file->bytes()), settings.file.c_str());
    if (reader.lost() != 0) {
        fprintf(stderr, "%s: %llu records are lost: they came faster than they were taken\n",
                program_invocation_short_name, static_cast<unsigned long long>(reader.lost()));
        if (settings.records < K_TRACE_RECORDS_MAX)
            fprintf(stderr, "%s: a larger ring loses less: -b %u\n", program_invocation_short_name,
                    settings.records * 4 < K_TRACE_RECORDS_MAX ? settings.records * 4 : K_TRACE_RECORDS_MAX);
        else
            fprintf(stderr, "%s: the ring cannot be larger: trace something shorter, or with -s only\n",
                    program_invocation_short_name);
    }
    for (const std::string& name : settings.choice.actors) {
        if (!log.has_seen(name))
            fprintf(stderr, "%s: there was no actor `%s`\n", program_invocation_short_name, name.c_str());
    }
}

// What can fail is done before the command is there, which has to be dropped otherwise.
[[nodiscard]] int trace(const Settings& settings) {
    const int descriptor = settings.file.empty() ? -1 : open_file(settings.file);
    Span span;
    span.cpus = count_cpus();
    std::optional<Program> command;
    if (!settings.command.empty()) command.emplace(settings.command, settings.trusted);
    Program* const program = command ? &*command : nullptr;
    Output shown{STDOUT_FILENO}, file{descriptor};
    Views views;
    std::optional<SummaryView> summary;
    std::optional<LinesView> lines;
    std::optional<TextView> text;
    std::optional<EventsView> events;
    if (settings.summary) views.add(summary.emplace(shown, settings.choice, span));
    if (settings.json) views.add(lines.emplace(shown, settings.choice, span));
    if (settings.text()) views.add(text.emplace(shown, settings.choice, span));
    if (descriptor >= 0) views.add(events.emplace(file, settings.choice, span, settings.limit));
    SiteLog log{views, own_name()};
    log.note(settings.choice.actors);
    Nucleus nucleus;
    start_trace(settings, program);
    if (descriptor >= 0) empty(descriptor);
    span.begin = nucleus.now();
    TraceReader reader{nucleus, span.cpus, span.begin, log};
    if (program != nullptr) program->start();
    follow(settings, reader, nucleus, program, shown);
    span.end = reader.finish();
    views.finish();
    const int status = program != nullptr ? program->wait() : 0;
    if (program != nullptr && !program->event().empty())
        fprintf(stderr, "%s: the command (aid %d): %s\n", program_invocation_short_name, program->aid(),
                program->event().c_str());
    report(settings, reader, log, descriptor >= 0 ? &file : nullptr);
    if (file.error() != 0) commands::fail("%s: %s", settings.file.c_str(), strerror(file.error()));
    if (shown.error() != 0) commands::fail("output: %s", strerror(shown.error()));
    if (reader.error() == K_EUNKNOWN) commands::fail("somebody else has ended the trace");
    if (reader.error() != K_OK) commands::fail("trace: %s", commands::reason(reader.error()));
    return status;
}

void send(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) commands::fail("%s: %s", path.c_str(), strerror(errno));
    Output output{STDOUT_FILENO};
    if (const int error = send_lines(descriptor, 0, output); error != 0)
        commands::fail("%s: %s", path.c_str(), strerror(error));
}

} // namespace

int main(int argc, char** argv) {
    const Settings settings = parse_settings(argc, argv);
    if (!settings.send.empty()) {
        send(settings.send);
        return 0;
    }
    // The command's end by Ctrl-C is not the trace's.
    for (const int number : {SIGINT, SIGQUIT, SIGPIPE}) signal(number, SIG_IGN);
    return trace(settings);
}
