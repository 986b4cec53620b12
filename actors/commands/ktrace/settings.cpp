#include "commands/ktrace/settings.hpp"

#include "commands/common.hpp"

namespace chorale::ktrace {

namespace {

constexpr const char* usage =
    "usage: ktrace [options] [command [argument...]]\n"
    "Trace this site while the command runs, a program of /bin or a path, and print each\n"
    "event as a line: nucleus calls and system calls with arguments and results,\n"
    "messages with their numbers, switches, interrupts, faults. The status is the\n"
    "command's. Without a command: until Ctrl-C.\n"
    "\n"
    "  -A, --actor NAME    actors of that name only; may be repeated\n"
    "  -e, --events LIST   only these of calls,messages,switches,interrupts,faults\n"
    "  -t, --time SECONDS  end the trace then\n"
    "  -s, --summary       print tables of calls, messages and CPU time instead\n"
    "  -j, --json          print one line of JSON for each event instead\n"
    "  -o, --output FILE   write trace events for ui.perfetto.dev instead\n"
    "  -m, --limit MIB     end that file before it is larger (32)\n"
    "  -b, --buffer N      records that each CPU keeps until they are taken (16384)\n"
    "  -T, --trusted       run the command as a SYSTEM actor\n"
    "  -S, --send FILE     trace nothing, print a file's lines with checksums\n"
    "      --help          print this\n"
    "\n"
    "What ktrace does itself is left out unless -A ktrace asks for it. Only SYSTEM actors\n"
    "may trace, one at a time: C_INIT runs it as one.\n";

constexpr commands::Option known[] = {
    {'A', "actor", true},    {'e', "events", true}, {'t', "time", true},  {'s', "summary", false},
    {'j', "json", false},    {'o', "output", true}, {'m', "limit", true}, {'b', "buffer", true},
    {'T', "trusted", false}, {'S', "send", true},
};

void take(commands::Options& options, int letter, Settings& settings) {
    switch (letter) {
    case 'A':
        settings.choice.actors.emplace_back(options.value());
        return;
    case 'e':
        if (!parse_events(options.value(), settings.choice))
            commands::misuse("-e: `%s` is not a list of calls,messages,switches,interrupts,faults",
                             std::string{options.value()}.c_str());
        return;
    case 't':
        settings.nanoseconds = static_cast<std::uint64_t>(options.number(1, 86400)) * 1000000000;
        return;
    case 'm':
        settings.limit = static_cast<std::uint64_t>(options.number(1, 1024)) << 20;
        return;
    case 'b':
        settings.records = static_cast<unsigned>(options.number(16, K_TRACE_RECORDS_MAX));
        return;
    case 'o':
        settings.file = options.value();
        return;
    case 'S':
        settings.send = options.value();
        return;
    default:
        (letter == 's' ? settings.summary : letter == 'j' ? settings.json : settings.trusted) = true;
    }
}

} // namespace

bool parse_events(std::string_view list, Choice& choice) {
    choice.calls = choice.messages = choice.switches = choice.interrupts = choice.faults = false;
    const struct {
        std::string_view name;
        bool& chosen;
    } kinds[] = {{"calls", choice.calls},
                 {"messages", choice.messages},
                 {"switches", choice.switches},
                 {"interrupts", choice.interrupts},
                 {"faults", choice.faults}};
    for (;;) {
        const std::size_t comma = list.find(',');
        bool found = false;
        for (const auto& kind : kinds) {
            if (list.substr(0, comma) == kind.name) found = kind.chosen = true;
        }
        if (!found) return false;
        if (comma == list.npos) return true;
        list.remove_prefix(comma + 1);
    }
}

Settings parse_settings(int argc, char** argv) {
    commands::Options options{argc, argv, usage, known};
    Settings settings;
    for (int letter = 0; (letter = options.next()) != -1;) take(options, letter, settings);
    settings.command = options.operands();
    if (!settings.send.empty() && (argc != 3 && argc != 2)) commands::misuse("-S goes with nothing else");
    if (settings.summary && settings.json) commands::misuse("-s and -j exclude each other");
    return settings;
}

} // namespace chorale::ktrace
