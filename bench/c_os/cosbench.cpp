// cosbench: measures what a program under C_OS pays for the system calls of its C library, as ipcbench
// measures those of the nucleus, with the same options and the same output. The system ends with it.
#include "programs.hpp"

#include <actor/environment.hpp>
#include <actor/print.hpp>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

namespace chorale::bench {
namespace {

constexpr unsigned usual_reads = 1000;
constexpr std::size_t block = 4096;
Recorder recorder;
alignas(block) char content[block], target[block];

// Nothing that the nucleus or C_OS keeps changes: what is left is the way there and back.
void measure_getpid(const Context& context) {
    const char* const name = "cos.getpid";
    if (!context.wants("cos", name)) return;
    const long own = getpid();
    measure_rounds(
        context, name, context.rounds_or(usual_rounds), [](unsigned) { return long{getpid()}; },
        [own](unsigned, long result) { return result == own; });
}

// From a file whose pages are there, at its beginning.
void measure_read(const Context& context, const char* name, int file, std::size_t size) {
    if (!context.wants("cos", name)) return;
    memset(target, 0, sizeof target);
    measure_rounds(
        context, name, context.rounds_or(usual_reads),
        [=](unsigned) { return static_cast<long>(pread(file, target, size, 0)); },
        [=](unsigned, long result) {
            return result == static_cast<long>(size) && memcmp(target, content, size) == 0;
        });
}

void measure_reads(const Context& context) {
    const int file = open("/tmp/cosbench", O_RDWR | O_CREAT, 0600);
    memset(content, 'c', sizeof content);
    if (file < 0 || write(file, content, block) != static_cast<ssize_t>(block)) {
        report_failure(context, "cos.read4k", "no file in /tmp", file);
        return;
    }
    measure_read(context, "cos.read1", file, 1);
    measure_read(context, "cos.read4k", file, block);
    close(file);
}

// What of reading is the copy: the nucleus's own, between two pages that are there.
void measure_copy(const Context& context) {
    const char* const name = "cos.copy4k";
    if (!context.wants("cos", name)) return;
    measure_rounds(
        context, name, context.rounds_or(usual_reads),
        [](unsigned) {
            memcpy(target, content, block);
            return long{};
        },
        [](unsigned, long) { return memcmp(target, content, block) == 0; });
}

bool run() {
    char selection[K_ENVVALUEMAX];
    const unsigned cpus = running_cpus();
    const Context context{recorder, cpus, static_cast<unsigned>(environment_number("bench.rounds", 0)),
                          environment_text("bench", selection, "cos")};
    if (const int error = threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE); error < 0) {
        print("cosbench: cannot go to CPU 0: error %d\n", error);
        return false;
    }
    print("cosbench: %s, counter %s%s\n", context.selection, machine::counter_name(),
          machine::emulated() ? " (emulated: times are not those of hardware)" : "");
    recorder.print_meta(cpus);
    measure_getpid(context);
    measure_reads(context);
    measure_copy(context);
    measure_spawn(context);
    const bool counted = count_actors(context);
    return counted && !recorder.failed();
}

} // namespace
} // namespace chorale::bench

int main() {
    const bool passed = chorale::bench::run();
    chorale::print("@done %s\n", passed ? "pass" : "FAIL");
    return passed ? 0 : 1;
}
