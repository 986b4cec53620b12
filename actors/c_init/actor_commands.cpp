// arun, akill, aps.
#include "c_init/command.hpp"
#include "c_init/shell.hpp"
#include "c_init/text.hpp"

#include <errno.h>
#include <stdio.h>

#include <algorithm>
#include <string_view>

namespace chorale::c_init {

namespace {

constexpr const char* no_restart = "-g: there is no hot restart in this image: no restartable actors";

// ---- arun --------------------------------------------------------------------------------------------

struct RunOptions {
    StartRequest request;
    Shell::Manner manner;
};

// Returns a status; 0: go on.
[[nodiscard]] int take_run_option(const Invocation& call, Options& options, char letter, RunOptions& run) {
    switch (letter) {
    case 'g':
        if (options.value() == nullptr) return call.misused("-g without a group");
        return call.failed("%s", no_restart);
    case 'S':
    case 'U': {
        const auto space = letter == 'S' ? StartRequest::Space::supervisor : StartRequest::Space::user;
        if (run.request.space != StartRequest::Space::any && run.request.space != space)
            return call.misused("-S and -U exclude each other");
        run.request.space = space;
        return 0;
    }
    case 'T':
        run.request.trusted = true;
        return 0;
    case 'd':
        run.manner.stopped = true;
        return 0;
    case 'q':
        run.manner.quiet = true;
        return 0;
    case 'k':
    case 'D':
    case 'Z':
        return 0;
    default:
        return call.misused("there is no option -%c", letter);
    }
}

[[nodiscard]] int run_actor(const Invocation& call) {
    RunOptions run;
    run.manner.background = call.background;
    run.request.credentials = call.shell.session().credentials;
    Options options{call};
    while (const char letter = options.next()) {
        if (options.word() == "-xip") {
            options.take_word();
            continue;
        }
        if (const int status = take_run_option(call, options, letter, run); status != 0) return status;
    }
    const std::span<const std::string> operands = options.operands();
    if (operands.empty()) return call.misused("which program?");
    const bool privileged = run.request.trusted || run.request.space == StartRequest::Space::supervisor;
    if (privileged && !call.shell.session().trusted)
        return call.failed("%s: permission denied: only trusted users start trusted actors",
                           operands.front().c_str());
    if (run.request.space == StartRequest::Space::supervisor && run.request.credentials.uid != 0)
        return call.failed("%s: permission denied: only user 0 starts supervisor actors",
                           operands.front().c_str());
    run.request.path = operands.front();
    run.request.arguments.assign(operands.begin(), operands.end());
    return call.shell.run_program(std::move(run.request), run.manner, true);
}

// ---- akill -------------------------------------------------------------------------------------------

[[nodiscard]] const ActorEntry* find_actor(const std::vector<ActorEntry>& actors, int aid) {
    for (const ActorEntry& actor : actors) {
        if (actor.aid == aid) return &actor;
    }
    return nullptr;
}

// What stands against it; null: nothing.
[[nodiscard]] const char* refusal(const Invocation& call, const std::vector<ActorEntry>& actors, int aid) {
    const ActorEntry* const actor = find_actor(actors, aid);
    if (actor == nullptr) return "no such actor";
    if (aid == call.shell.actors().own_aid()) return "that is C_INIT itself";
    const Session& session = call.shell.session();
    if (!session.trusted && actor->uid != session.credentials.uid)
        return "permission denied: another user's actor";
    return nullptr;
}

[[nodiscard]] int kill_or_continue(const Invocation& call, bool go_on, std::span<const std::string> aids) {
    std::vector<ActorEntry> actors;
    if (const int result = call.shell.actors().list(actors); result < 0)
        return call.failed("%s", cause(-result).c_str());
    int status = 0;
    for (const std::string& word : aids) {
        int aid = 0;
        if (!parse_number(word, aid) || aid <= 0) {
            status = call.failed("`%s` is not an aid", word.c_str());
            continue;
        }
        if (const char* const problem = refusal(call, actors, aid); problem != nullptr) {
            status = call.failed("%d: %s", aid, problem);
            continue;
        }
        const int result = go_on ? call.shell.actors().start(aid) : call.shell.actors().kill(aid);
        if (result == -EBUSY)
            status = call.failed("%d: it runs already", aid);
        else if (result < 0)
            status = call.failed("%d: %s", aid, cause(-result).c_str());
        else if (!go_on)
            call.shell.report_end_of(aid);
    }
    return status;
}

[[nodiscard]] int kill_actor(const Invocation& call) {
    bool go_on = false;
    Options options{call};
    while (const char letter = options.next()) {
        if (letter == 'c') {
            go_on = true;
            continue;
        }
        if (letter != 's' && letter != 'g') return call.misused("there is no option -%c", letter);
        const std::string* const value = options.value();
        if (value == nullptr) return call.misused("-%c without a number", letter);
        if (letter == 'g') return call.failed("%s", no_restart);
        int site = 0;
        if (!parse_number(*value, site)) return call.misused("`%s` is not a site", value->c_str());
        if (site != call.shell.site().number())
            return call.failed("site %d: only actors of this site, %d, can be reached", site,
                               call.shell.site().number());
    }
    if (options.operands().empty()) return call.misused("which actors?");
    return kill_or_continue(call, go_on, options.operands());
}

// ---- aps ---------------------------------------------------------------------------------------------

[[nodiscard]] int width(int least, unsigned long long number) {
    const auto size = static_cast<int>(std::to_string(number).size());
    return size > least ? size : least;
}

[[nodiscard]] std::string_view name_of(ActorState state) {
    switch (state) {
    case ActorState::idle:
        return "SIDL";
    case ActorState::sleeping:
        return "SSLEEP";
    case ActorState::stopped:
        return "SSTOP";
    case ActorState::ended:
        return "SZOMB";
    case ActorState::running:
        break;
    }
    return "SRUN";
}

[[nodiscard]] int list_actors(const Invocation& call) {
    if (call.words.size() != 1) return call.misused("it takes no arguments");
    std::vector<ActorEntry> actors;
    if (const int result = call.shell.actors().list(actors); result < 0)
        return call.failed("%s", cause(-result).c_str());
    int uid_width = 3, aid_width = 4;
    std::size_t name_width = 12, state_width = 4;
    for (const ActorEntry& actor : actors) {
        uid_width = width(uid_width, actor.uid);
        aid_width = width(aid_width, static_cast<unsigned>(actor.aid));
        name_width = std::max(name_width, actor.name.size());
        state_width = std::max(state_width, name_of(actor.state).size());
    }
    const int name_column = static_cast<int>(name_width), state_column = static_cast<int>(state_width);
    printf("%*s %*s %-*s %-3s %-*s %s\n", uid_width, "UID", aid_width, "PID", name_column, "NAME", "DBG",
           state_column, "STAT", "GROUP");
    for (const ActorEntry& actor : actors)
        printf("%*u %*d %-*s %-3s %-*s %s\n", uid_width, actor.uid, aid_width, actor.aid, name_column,
               actor.name.c_str(), actor.debugged ? "yes" : "no", state_column, name_of(actor.state).data(),
               "-");
    return 0;
}

// ---- programs that ask the nucleus about actors of others ------------------------------------------------

// Only SYSTEM actors are told.
[[nodiscard]] int run_trusted(const Invocation& call) {
    Shell::Manner manner;
    manner.background = call.background;
    manner.quiet = true;
    StartRequest request;
    request.path = call.words.front() == "cs" ? "chorusStat" : call.words.front();
    request.arguments = call.words;
    request.trusted = true;
    request.credentials = call.shell.session().credentials;
    return call.shell.run_program(std::move(request), manner, false);
}

constexpr Command table[] = {
    {"akill", "[-s site] {-g rgid | [-c] aid...}", "End actors",
     "Ends the actors with these numbers (aps lists them). On return none of their\n"
     "threads runs any more. C_INIT cannot be ended.\n"
     "\n"
     "  -c       do not end them but let them go on: they were started by arun -d\n"
     "  -s site  the actors of that site; only this one can be reached\n"
     "  -g rgid  all of a restart group; there is no hot restart in this image\n"
     "\n"
     "Users who are not trusted end only actors of their own user.\n",
     Topic::actors, false, kill_actor},
    {"aps", "", "List the actors",
     "One line for each actor that C_OS knows: the user it runs for, its number (aid,\n"
     "which is its process id), its name (argv[0]), whether it is debugged, its state\n"
     "(SRUN: one of its threads runs or is ready, SSLEEP: all wait, SSTOP: stopped,\n"
     "SIDL: not started yet, SZOMB: has ended, nobody has asked how), its\n"
     "restart group (none: there is no hot restart in this image).\n"
     "chorusStat tells of actors that only the nucleus knows, too.\n",
     Topic::actors, false, list_actors},
    {"arun", "[-g rgid] [-S|-U] [-k] [-T] [-d] [-q] [-D] [-Z] [-xip] path [args] [&]",
     "Load a program and run it as an actor",
     "Prints `Started aid = N` and waits until the actor has ended, with & only until it\n"
     "has been started: then a line tells later how it ended. Ctrl-C ends an actor that\n"
     "is waited for. A path without / is looked for in /bin, then in the current\n"
     "folder. If there is no such file, path.r (supervisor actors) and path.gz\n"
     "(compressed) are tried. $? is the exit status, or 128 + the event that ended it.\n"
     "\n"
     "  -U     in an address space of its own (a program without .r)\n"
     "  -S     in the supervisor space; users who are trusted, and user 0\n"
     "  -T     as a trusted (SYSTEM) actor; users who are trusted\n"
     "  -d     started stopped, for a debugger: akill -c lets it go; is not waited for\n"
     "  -q     do not print the number\n"
     "  -g rgid  restartable; there is no hot restart in this image\n"
     "\n"
     "Taken without effect: -k (keep symbols: debuggers read them from the file), -D\n"
     "(tell debuggers of threads: always done), -Z (compressed: seen from the file), -xip\n"
     "(execute in place: programs are always copied into memory).\n",
     Topic::actors, false, run_actor},
    {"chorusStat", "[options]", "Print what the nucleus knows of the site",
     "Runs /bin/chorusStat as a SYSTEM actor: of all actors, of threads, of CPUs.\n", Topic::system, true,
     run_trusted, true},
    {"cs", "[options]", "The same as chorusStat", "", Topic::system, true, run_trusted, true},
    {"ktrace", "[options] [command [argument...]]", "Trace what actors do: calls, messages, switches",
     "Runs /bin/ktrace as a SYSTEM actor.\n", Topic::system, true, run_trusted, true},
    {"lsport", "[options]", "List the ports of all actors", "Runs /bin/lsport as a SYSTEM actor.\n",
     Topic::system, true, run_trusted, true},
};

} // namespace

std::span<const Command> actor_commands() { return table; }

} // namespace chorale::c_init
