#include "linux_site.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace chorale::c_init {

namespace {

[[nodiscard]] End end_of(int status) {
    if (WIFEXITED(status)) return {End::Kind::exit, WEXITSTATUS(status)};
    return {End::Kind::event, WTERMSIG(status)};
}

[[noreturn]] void run_child(const StartRequest& request, int gate) {
    setpgid(0, 0);
    for (const int signal_number : {SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE})
        std::signal(signal_number, SIG_DFL);
    std::vector<char*> arguments;
    for (const std::string& argument : request.arguments)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    char go = 'r';
    if (write(gate, &go, 1) == 1 && read(gate, &go, 1) == 1)
        execve(request.path.c_str(), arguments.data(), environ);
    _exit(126);
}

} // namespace

int LinuxActorManager::create(const StartRequest& request) {
    if (access(request.path.c_str(), X_OK) != 0) return -errno;
    std::size_t size = 0;
    for (const std::string& argument : request.arguments) size += argument.size() + 9;
    if (size > 100000) return -E2BIG;
    int gate[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) != 0) return -errno;
    const int pid = fork();
    if (pid == 0) run_child(request, gate[0]);
    close(gate[0]);
    setpgid(pid, pid);
    // Until then it ignores the terminal's signals, as this program does.
    char ready = 0;
    if (read(gate[1], &ready, 1) != 1) return -EIO;
    children_.push_back({pid, gate[1], request.arguments.front()});
    return pid;
}

int LinuxActorManager::start(int aid) {
    Child* const child = find(aid);
    if (child == nullptr) return -ESRCH;
    if (child->gate < 0) return -EBUSY;
    const bool done = write(child->gate, "g", 1) == 1;
    close(child->gate);
    child->gate = -1;
    return done ? 0 : -EIO;
}

int LinuxActorManager::kill(int aid) { return ::kill(aid, SIGKILL) == 0 ? 0 : -errno; }

int LinuxActorManager::list(std::vector<ActorEntry>& actors) {
    actors.push_back({getpid(), 0, false, "C_INIT"});
    for (const Child& child : children_) actors.push_back({child.pid, 0, false, child.name});
    return 0;
}

int LinuxActorManager::own_aid() { return getpid(); }

End LinuxActorManager::wait(int aid) {
    int status = 0;
    waitpid(aid, &status, 0);
    forget(aid);
    return end_of(status);
}

bool LinuxActorManager::ended(int aid, End& end) {
    int status = 0;
    if (waitpid(aid, &status, WNOHANG) != aid) return false;
    forget(aid);
    end = end_of(status);
    return true;
}

LinuxActorManager::Child* LinuxActorManager::find(int pid) {
    for (Child& child : children_) {
        if (child.pid == pid) return &child;
    }
    return nullptr;
}

void LinuxActorManager::forget(int pid) {
    std::erase_if(children_, [pid](const Child& child) { return child.pid == pid; });
}

int LinuxSite::stop(Stop how) {
    std::puts(how == Stop::reboot ? "The machine starts anew." : "The machine is off.");
    std::fflush(stdout);
    std::exit(0);
}

} // namespace chorale::c_init
