#include "programs.hpp"

#include <actor/print.hpp>

#include <am/afexec.h>
#include <am/await.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

namespace chorale::bench {
namespace {

constexpr unsigned usual_spawns = 50;
constexpr unsigned warm_up_spawns = 4;
constexpr unsigned most_actors = 520; // somewhat more than the budget asks for
constexpr int patience = 2000;        // milliseconds until an actor must have said that it runs

// 0, or an errno.
[[nodiscard]] int start(const char* path, KnCap* actor) {
    char* const arguments[] = {const_cast<char*>(path), nullptr};
    return afexecve(path, actor, nullptr, arguments, nullptr) > 0 ? 0 : errno;
}

[[nodiscard]] int run_to_its_end(const char* path) {
    KnCap actor;
    int status = 0;
    if (const int error = start(path, &actor); error != 0) return error;
    if (awaits(&actor, &status) < 0) return errno;
    return status == 0 ? 0 : ECHILD;
}

} // namespace

// A batch: what C_OS has left of an actor that has ended it tidies up beside its successor.
void measure_spawn(const Context& context) {
    const char* const name = "cos.spawn";
    const char* const program = "/bin/hello";
    if (!context.wants("cos", name)) return;
    int error = 0;
    for (unsigned i = 0; i < warm_up_spawns && error == 0; ++i) error = run_to_its_end(program);
    Recorder& recorder = context.recorder;
    recorder.begin(name);
    boundary<Boundary::batch_begin>();
    const unsigned rounds = context.rounds_or(usual_spawns);
    for (unsigned i = 0; i < rounds && error == 0; ++i) {
        const std::uint64_t start = machine::counter();
        error = run_to_its_end(program);
        recorder.add(machine::counter() - start);
    }
    boundary<Boundary::batch_end>();
    if (error != 0) recorder.fail("afexecve or awaits", error);
    recorder.finish();
}

// Each says through a pipe that it runs: one that dies young because something is used up does not count.
bool count_actors(const Context& context) {
    if (!context.wants("cos", "cos.actors")) return true;
    int pipe_ends[2];
    if (pipe(pipe_ends) < 0 || dup2(pipe_ends[1], STDOUT_FILENO) < 0) {
        print("cosbench: no pipe: errno %d\n", errno);
        return false;
    }
    unsigned count = 0;
    int error = 0;
    for (char byte = 1; count < most_actors; ++count) {
        pollfd alive{pipe_ends[0], POLLIN, 0};
        error = start("/bin/idle", nullptr);
        if (error != 0 || poll(&alive, 1, patience) != 1 || read(pipe_ends[0], &byte, 1) != 1) break;
    }
    print("cosbench: %u actors alive at once, then errno %d\n", count, error);
    print("@meta {\"actors\":%u}\n", count);
    return error == 0 || error == EAGAIN || error == ENOMEM;
}

} // namespace chorale::bench
