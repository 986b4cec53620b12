#include "commands/ktrace/program.hpp"

#include "commands/common.hpp"

#include <am/await.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char** environ;

namespace chorale::ktrace {

namespace {

constexpr int status_not_started = 126, status_not_found = 127, status_event = 128; // as C_INIT has them

[[noreturn]] void refuse(const char* name, int error) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, name, strerror(error));
    if (error == ENOENT && strcmp(name, "arun") == 0)
        fprintf(stderr, "%s: arun is a command of the console: name the program itself\n",
                program_invocation_short_name);
    exit(error == ENOENT ? status_not_found : status_not_started);
}

} // namespace

Program::Program(std::span<char* const> words, bool trusted) {
    AcParam parameters{};
    parameters.acFlags = AFX_STOPPED | (trusted ? AFX_TRUSTED : 0);
    std::string path = words.front();
    if (path.find('/') == path.npos) path = "/bin/" + path;
    if (pipe2(pipe_, O_CLOEXEC) < 0) commands::fail("pipe: %s", strerror(errno));
    // The words are the end of argv, which a null pointer ends.
    aid_ = afexecve(path.c_str(), &capability_, &parameters, words.data(), environ);
    if (aid_ < 0) refuse(words.front(), errno);
    // The terminal is lent to ktrace's group: Ctrl-C is for both.
    setpgid(aid_, getpgrp());
    if (const int error = pthread_create(&thread_, nullptr, await_end, this); error != 0) {
        drop();
        commands::fail("no thread: %s", strerror(error));
    }
}

void Program::drop() { akill(&capability_); }

void Program::start() {
    if (astart(&capability_) < 0) commands::fail("start: %s", strerror(errno));
}

// The pipe's end is closed when the program has ended: who polls it is woken.
void* Program::await_end(void* self) {
    auto& program = *static_cast<Program*>(self);
    while (awaits(&program.capability_, &program.status_) < 0 && errno == EINTR) {
    }
    close(program.pipe_[1]);
    return nullptr;
}

int Program::wait() {
    pthread_join(thread_, nullptr);
    return IS_EXIT_EVT(status_) ? GET_EXIT_EVT(status_) : status_event + GET_KILL_EVT(status_);
}

std::string Program::event() const {
    if (IS_EXIT_EVT(status_)) return {};
    const int event = GET_KILL_EVT(status_);
    return event == AEVT_AKILL ? "killed" : "event " + std::to_string(event);
}

} // namespace chorale::ktrace
