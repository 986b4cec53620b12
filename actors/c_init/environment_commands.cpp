// What actors inherit: variables, the creation mask, limits, the current folder.
#include "c_init/command.hpp"
#include "c_init/shell.hpp"
#include "c_init/text.hpp"

#include <algorithm>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char** environ;

namespace chorale::c_init {

namespace {

// ---- variables ---------------------------------------------------------------------------------------

[[nodiscard]] bool is_name(const std::string& text) {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

[[nodiscard]] int set_variable(const Invocation& call) {
    if (call.words.size() != 3) return call.misused("a variable and its value");
    if (!is_name(call.words[1])) return call.failed("`%s` is not a variable's name", call.words[1].c_str());
    if (setenv(call.words[1].c_str(), call.words[2].c_str(), 1) != 0)
        return call.failed("%s: %s", call.words[1].c_str(), cause(errno).c_str());
    return 0;
}

[[nodiscard]] int unset_variable(const Invocation& call) {
    if (call.words.size() != 2) return call.misused("a variable");
    if (!is_name(call.words[1])) return call.failed("`%s` is not a variable's name", call.words[1].c_str());
    unsetenv(call.words[1].c_str());
    return 0;
}

[[nodiscard]] int list_variables(const Invocation& call) {
    if (call.words.size() != 1) return call.misused("it takes no arguments");
    std::vector<std::string_view> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
        variables.emplace_back(*variable);
    std::sort(variables.begin(), variables.end());
    for (const std::string_view variable : variables)
        printf("%.*s\n", static_cast<int>(variable.size()), variable.data());
    return 0;
}

// ---- umask -------------------------------------------------------------------------------------------

[[nodiscard]] int change_mask(const Invocation& call) {
    if (call.words.size() > 2) return call.misused("at most one mask");
    if (call.words.size() == 1) {
        const mode_t mask = umask(0);
        umask(mask);
        printf("%04o\n", static_cast<unsigned>(mask));
        return 0;
    }
    const std::string& word = call.words[1];
    unsigned mask = 0;
    const char* const end = word.data() + word.size();
    const std::from_chars_result result = std::from_chars(word.data(), end, mask, 8);
    if (result.ec != std::errc{} || result.ptr != end || mask > 0777)
        return call.failed("`%s` is not an octal mask of 0 to 777", word.c_str());
    umask(static_cast<mode_t>(mask));
    return 0;
}

// ---- ulimit ------------------------------------------------------------------------------------------

struct Resource {
    char letter;
    int number;
    rlim_t unit;
    const char* text;
};
constexpr Resource resources[] = {
    {'f', RLIMIT_FSIZE, 512, "file size    (blocks of 512 bytes)"},
    {'n', RLIMIT_NOFILE, 1, "open files   (descriptors)"},
};

struct LimitOptions {
    bool hard{}, soft{}, all{};
    const Resource* resource{&resources[0]};
};

[[nodiscard]] std::string limit_text(const Resource& resource, bool hard) {
    rlimit limit{};
    if (getrlimit(resource.number, &limit) != 0) return cause(errno);
    const rlim_t value = hard ? limit.rlim_max : limit.rlim_cur;
    return value == RLIM_INFINITY ? "unlimited" : std::to_string(value / resource.unit);
}

[[nodiscard]] int set_limit(const Invocation& call, const LimitOptions& options, const std::string& word) {
    const Resource& resource = *options.resource;
    rlim_t value = RLIM_INFINITY;
    if (word != "unlimited") {
        if (!parse_number(word, value) || value > RLIM_INFINITY / resource.unit)
            return call.failed("`%s` is neither a number nor `unlimited`", word.c_str());
        value *= resource.unit;
    }
    rlimit limit{};
    if (getrlimit(resource.number, &limit) != 0)
        return call.failed("-%c: %s", resource.letter, cause(errno).c_str());
    if (options.soft || !options.hard) limit.rlim_cur = value;
    if (options.hard || !options.soft) limit.rlim_max = value;
    if (limit.rlim_cur > limit.rlim_max && options.hard && !options.soft) limit.rlim_cur = limit.rlim_max;
    if (setrlimit(resource.number, &limit) != 0)
        return call.failed("-%c %s: %s", resource.letter, word.c_str(), cause(errno).c_str());
    return 0;
}

[[nodiscard]] int change_limit(const Invocation& call) {
    LimitOptions chosen;
    Options options{call};
    while (const char letter = options.next()) {
        if (letter == 'H') {
            chosen.hard = true;
        } else if (letter == 'S') {
            chosen.soft = true;
        } else if (letter == 'a') {
            chosen.all = true;
        } else if (letter == 'f' || letter == 'n') {
            chosen.resource = &resources[letter == 'n' ? 1 : 0];
        } else {
            return call.misused("there is no option -%c", letter);
        }
    }
    const std::span<const std::string> operands = options.operands();
    if (operands.size() > 1) return call.misused("at most one limit");
    if (chosen.all && !operands.empty()) return call.misused("-a only lists");
    if (!operands.empty()) return set_limit(call, chosen, operands.front());
    const bool hard = chosen.hard && !chosen.soft;
    if (!chosen.all) {
        puts(limit_text(*chosen.resource, hard).c_str());
        return 0;
    }
    for (const Resource& resource : resources)
        printf("-%c: %-36s %s\n", resource.letter, resource.text, limit_text(resource, hard).c_str());
    return 0;
}

// ---- the current folder ------------------------------------------------------------------------------

[[nodiscard]] int change_folder(const Invocation& call) {
    if (call.words.size() > 2) return call.misused("at most one folder");
    const char* const home = getenv("HOME");
    const std::string folder = call.words.size() == 2 ? call.words[1] : home != nullptr ? home : "/";
    const ActingFor acting{call.shell.session()};
    if (!acting || chdir(folder.c_str()) != 0)
        return call.failed("%s: %s", folder.c_str(), cause(errno).c_str());
    return 0;
}

[[nodiscard]] int print_folder(const Invocation& call) {
    if (call.words.size() != 1) return call.misused("it takes no arguments");
    char folder[PATH_MAX];
    if (getcwd(folder, sizeof folder) == nullptr) return call.failed("%s", cause(errno).c_str());
    puts(folder);
    return 0;
}

constexpr Command table[] = {
    {"cd", "[folder]", "Change the current folder",
     "Paths without / at the beginning start there, also those of actors that are\n"
     "started later. Without an argument: the folder that the variable HOME names.\n",
     Topic::files, false, change_folder},
    {"env", "", "List the environment variables", "One NAME=value a line, sorted by their names.\n",
     Topic::environment, false, list_variables},
    {"pwd", "", "Print the current folder", "", Topic::files, false, print_folder},
    {"setenv", "var value", "Set an environment variable",
     "Actors that are started later have it in their environment; $NAME in a line\n"
     "stands for its value. CINIT_DEFAULTUID and CINIT_DEFAULTGID: the user and the\n"
     "group that actors run for, unless /etc/security says other ones, from the next\n"
     "start of the console on.\n",
     Topic::environment, false, set_variable},
    {"ulimit", "[-HSafn] [limit]", "Print or set limits of actors that are started later",
     "  -f  size of the files that they write, in blocks of 512 bytes (the default)\n"
     "  -n  files that they have open at once\n"
     "  -a  print all limits\n"
     "  -S  the soft limit, which the actor itself may raise up to the hard one\n"
     "  -H  the hard limit\n"
     "\n"
     "Without -S and -H both are set, and the soft one is printed. The limit is a number\n"
     "or `unlimited`.\n",
     Topic::environment, false, change_limit},
    {"umask", "[mode]", "Print or set the creation mask",
     "The octal mask has the rights that new files do not get.\n", Topic::environment, false, change_mask},
    {"unsetenv", "var", "Remove an environment variable", "It is no error when there is none of that name.\n",
     Topic::environment, false, unset_variable},
};

} // namespace

std::span<const Command> environment_commands() { return table; }

} // namespace chorale::c_init
