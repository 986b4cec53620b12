#include "c_init/shell.hpp"

#include "c_init/redirection.hpp"
#include "c_init/text.hpp"

#include <am/await.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

namespace chorale::c_init {

namespace {

constexpr int status_not_started = 126, status_not_found = 127, status_event = 128; // as shells have them

const Redirection no_input{0, Redirection::Kind::read, "/dev/null"};

[[nodiscard]] std::string last_part(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == path.npos ? path : path.substr(slash + 1);
}

[[nodiscard]] int status_of(const End& end) {
    return end.kind == End::Kind::exit ? end.number : status_event + end.number;
}

[[nodiscard]] const char* event_text(int event) {
    switch (event) {
    case SIGINT:
        return "interrupted";
    case SIGQUIT:
        return "quit";
    case SIGABRT:
        return "aborted";
    case AEVT_ILLEGAL:
        return "illegal instruction";
    case AEVT_BREAKPOINT:
        return "breakpoint";
    case AEVT_FLOAT:
        return "floating point exception";
    case AEVT_AKILL:
        return "killed";
    case AEVT_PROTECTION:
        return "memory protection";
    case AEVT_DELETE:
        return "deleted";
    default:
        return nullptr;
    }
}

} // namespace

std::string text(const End& end) {
    if (end.kind == End::Kind::exit) return "exit " + std::to_string(end.number);
    const char* const event = event_text(end.number);
    return event != nullptr ? event : "event " + std::to_string(end.number);
}

void Shell::complain(const std::string& text) const {
    fflush(stdout);
    std::string where;
    if (!places_.empty()) where = *places_.back().path + ":" + std::to_string(places_.back().line) + ": ";
    fprintf(stderr, "%s%s\n", where.c_str(), text.c_str());
}

void Shell::append_value(std::string_view name, std::string& to) const {
    if (name == "?") {
        to += std::to_string(status_);
        return;
    }
    const char* const value = getenv(std::string{name}.c_str());
    if (value != nullptr) to += value;
}

int Shell::run_line(std::string_view text) {
    CommandLine line;
    const std::string problem = parse_line(text, *this, line);
    if (!problem.empty()) {
        complain("syntax error: " + problem);
        return status_ = 2;
    }
    if (line.words.empty()) return status_;
    // Who types types for C_INIT. What the line says comes later, and goes before.
    if (line.background) line.redirections.insert(line.redirections.begin(), no_input);
    Redirected redirected;
    const std::string refused = redirected.begin(line.redirections, session_);
    if (!refused.empty()) {
        complain(line.words.front() + ": " + refused);
        return status_ = 1;
    }
    return status_ = run_command(line);
}

int Shell::run_command(const CommandLine& line) {
    if (const Command* const command = find_command(line.words.front()); command != nullptr) {
        int status = run_builtin(*command, line);
        if (fflush(stdout) != 0) {
            const int error = errno;
            clearerr(stdout);
            complain(line.words.front() + ": output: " + cause(error));
            status = 1;
        }
        return status;
    }
    StartRequest request;
    request.path = line.words.front();
    request.arguments = line.words;
    request.credentials = session_.credentials;
    return run_program(std::move(request), {line.background, true, false}, false);
}

int Shell::run_builtin(const Command& command, const CommandLine& line) {
    const Invocation invocation{*this, line.words, line.background};
    // Of built-ins that are a program, the program tells.
    if (line.words.size() == 2 && line.words[1] == "--help" && !command.is_program) {
        fputs(help_text(command).c_str(), stdout);
        return 0;
    }
    if (command.for_trusted && !session_.trusted) {
        return invocation.failed("permission denied: the user `%s` is not trusted", session_.user.c_str());
    }
    if (line.background && !command.is_program && command.name != std::string_view{"arun"})
        return invocation.misused("only programs run in the background");
    return command.run(invocation);
}

int Shell::create(StartRequest& request, bool here_too) {
    if (request.path.find('/') != std::string::npos) return actors_.create(request);
    const std::string name = request.path;
    request.path = "/bin/" + name;
    // As the manual's example 5-3 wants it: argv[0] is what the file can be opened by.
    if (here_too) request.arguments.front() = request.path;
    int aid = actors_.create(request);
    if (aid == -ENOENT && here_too) {
        request.path = request.arguments.front() = name;
        aid = actors_.create(request);
    }
    return aid;
}

int Shell::run_program(StartRequest request, const Manner& manner, bool here_too) {
    const std::string typed = request.path;
    const std::string name = last_part(typed);
    fflush(stdout);
    const int aid = create(request, here_too);
    const std::string command = here_too ? "arun: " : "";
    if (aid == -ENOENT && typed.find('/') == std::string::npos && !here_too) {
        complain(typed + ": no such command, and no such program in /bin");
        return status_not_found;
    }
    if (aid < 0) {
        complain(command + request.path + ": " + cause(-aid));
        return aid == -ENOENT ? status_not_found : status_not_started;
    }
    if (!manner.quiet) {
        printf("Started aid = %d\n", aid);
        fflush(stdout);
    }
    const bool waits = !manner.background && !manner.stopped;
    if (waits) terminal_.lend(aid);
    if (!manner.stopped) {
        if (const int result = actors_.start(aid); result < 0)
            complain(command + name + ": " + cause(-result));
    }
    if (waits) return wait_in_foreground(aid, name);
    background_.push_back({aid, name});
    return 0;
}

int Shell::wait_in_foreground(int aid, const std::string& name) {
    const End end = actors_.wait(aid);
    terminal_.take_back();
    if (end.kind == End::Kind::event) complain(name + " (aid " + std::to_string(aid) + "): " + text(end));
    interrupted_ = end.kind == End::Kind::event && end.number == SIGINT;
    return status_of(end);
}

void Shell::report_ended() {
    for (std::size_t i = 0; i < background_.size();) {
        End end;
        if (!actors_.ended(background_[i].aid, end)) {
            ++i;
            continue;
        }
        printf("%s (aid %d): %s\n", background_[i].name.c_str(), background_[i].aid, text(end).c_str());
        background_.erase(background_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    fflush(stdout);
}

void Shell::report_end_of(int aid) {
    constexpr unsigned looks = 40;
    constexpr unsigned pause = 5'000; // microseconds
    const auto waits = [&] {
        return std::ranges::any_of(background_, [&](const Background& each) { return each.aid == aid; });
    };
    for (unsigned i = 0; i < looks && waits(); ++i) {
        report_ended();
        if (waits()) usleep(pause);
    }
}

int Shell::run_file(const std::string& path) {
    if (places_.size() == file_depth_limit) {
        complain("source: " + path + ": more than " + std::to_string(file_depth_limit) +
                 " files source each other");
        return 1;
    }
    std::string text;
    int error = EPERM;
    {
        const ActingFor acting{session_};
        if (acting) error = read_file(path.c_str(), file_limit, text);
    }
    if (error != 0) {
        complain("source: " + path + ": " + cause(error));
        return 1;
    }
    if (text.find('\0') != text.npos) {
        complain("source: " + path + ": not a text file");
        return 1;
    }
    return run_lines(path, text);
}

int Shell::run_lines(const std::string& path, std::string_view text) {
    const std::size_t depth = places_.size();
    places_.push_back({&path, 0});
    int status = 0;
    interrupted_ = false;
    while (!text.empty() && !interrupted_) {
        ++places_[depth].line;
        status = run_line(take_field(text, '\n'));
        report_ended();
    }
    places_.pop_back();
    return status;
}

} // namespace chorale::c_init
