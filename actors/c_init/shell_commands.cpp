// echo, help, source, sleep, console.
#include "c_init/command.hpp"
#include "c_init/shell.hpp"
#include "c_init/text.hpp"

#include <errno.h>
#include <stdio.h>
#include <time.h>

namespace chorale::c_init {

namespace {

[[nodiscard]] int print_words(const Invocation& call) {
    const bool newline = call.words.size() < 2 || call.words[1] != "-n";
    for (std::size_t i = newline ? 1 : 2; i < call.words.size(); ++i) {
        fputs(call.words[i].c_str(), stdout);
        if (i + 1 < call.words.size()) putchar(' ');
    }
    if (newline) putchar('\n');
    return 0;
}

[[nodiscard]] int help(const Invocation& call) {
    if (call.words.size() > 2) return call.misused("at most one command");
    if (call.words.size() == 1) {
        fputs(overview().c_str(), stdout);
        return 0;
    }
    const Command* const command = find_command(call.words[1]);
    if (command == nullptr)
        return call.failed("there is no command `%s`; programs tell by --help", call.words[1].c_str());
    fputs(help_text(*command).c_str(), stdout);
    return 0;
}

[[nodiscard]] int source(const Invocation& call) {
    if (call.words.size() != 2) return call.misused("one file");
    return call.shell.run_file(call.words[1]);
}

[[nodiscard]] int sleep_for(const Invocation& call) {
    if (call.words.size() > 2) return call.misused("at most one number");
    constexpr unsigned longest = 86400; // nothing ends it
    unsigned seconds = 1;
    if (call.words.size() == 2 && (!parse_number(call.words[1], seconds) || seconds > longest))
        return call.failed("`%s` is not a number of 0 to %u", call.words[1].c_str(), longest);
    fflush(stdout);
    timespec rest{static_cast<time_t>(seconds), 0};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
    return 0;
}

[[nodiscard]] int console(const Invocation& call) {
    if (call.words.size() != 1) return call.misused("it takes no arguments");
    if (call.shell.prompting()) return call.failed("this is the console already");
    return 0;
}

constexpr Command table[] = {
    {"console", "", "Begin to read commands from the system's console",
     "For files that end with it, as the last line of sysadm.ini does: C_INIT reads\n"
     "commands from the console in any case, after sysadm.ini and rc.chorus.\n",
     Topic::shell, true, console},
    {"echo", "[-n] [word...]", "Print words",
     "With a blank between them and a new line behind; -n: without the new line.\n", Topic::shell, false,
     print_words},
    {"help", "[command]", "Tell what a command does", "Without an argument: which commands there are.\n",
     Topic::shell, false, help},
    {"sleep", "[seconds]", "Wait",
     "For one second, or as many as are given, at most 86400. Ctrl-C does not end it.\n", Topic::shell, false,
     sleep_for},
    {"source", "file", "Run the commands of a file",
     "One a line, as they would be typed. A line that fails is reported with the file\n"
     "and the line, and does not end it; Ctrl-C in a program does. Files may source\n"
     "others, at most 16 at a time. A file may have 1 MiB, a line 65536 bytes.\n"
     "Programs that never end need an & there.\n",
     Topic::shell, false, source},
};

} // namespace

std::span<const Command> shell_commands() { return table; }

} // namespace chorale::c_init
