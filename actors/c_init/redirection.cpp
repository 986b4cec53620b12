#include "c_init/redirection.hpp"

#include "c_init/text.hpp"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace chorale::c_init {

namespace {

// Where files are kept meanwhile. No higher: there may be few descriptors (ulimit -n).
constexpr int above_standard = 3;

[[nodiscard]] int open_for(const Redirection& redirection, const Session& session) {
    constexpr mode_t mode = 0666;
    int flags = O_RDONLY;
    if (redirection.kind == Redirection::Kind::write) flags = O_WRONLY | O_CREAT | O_TRUNC;
    if (redirection.kind == Redirection::Kind::append) flags = O_WRONLY | O_CREAT | O_APPEND;
    const ActingFor acting{session};
    if (!acting) {
        errno = EPERM;
        return -1;
    }
    return open(redirection.path.c_str(), flags | O_CLOEXEC, mode);
}

} // namespace

std::string Redirected::begin(const std::vector<Redirection>& redirections, const Session& session) {
    for (const Redirection& redirection : redirections) {
        std::string problem = redirect(redirection, session);
        if (problem.empty()) continue;
        end();
        return problem;
    }
    return {};
}

std::string Redirected::redirect(const Redirection& redirection, const Session& session) {
    const int file = open_for(redirection, session);
    if (file < 0) return redirection.path + ": " + cause(errno);
    fflush(stdout);
    fflush(stderr);
    int& kept = kept_[redirection.descriptor];
    if (kept < 0) kept = fcntl(redirection.descriptor, F_DUPFD_CLOEXEC, above_standard);
    const bool done = kept >= 0 && dup2(file, redirection.descriptor) >= 0;
    const int error = errno;
    close(file);
    return done ? std::string{} : redirection.path + ": " + cause(error);
}

void Redirected::end() {
    for (int descriptor = 0; descriptor < 3; ++descriptor) {
        int& kept = kept_[descriptor];
        if (kept < 0) continue;
        fflush(descriptor == 1 ? stdout : stderr);
        dup2(kept, descriptor);
        close(kept);
        kept = -1;
    }
}

} // namespace chorale::c_init
