// Messages from CPU 0 to CPU 1: to one whose idle loop polls (it was busy a moment ago) and to one that has
// halted.
//
// What both CPUs do for a round trip belongs to it: the instruction counter adds the other CPUs'
// instructions, but for those of their idle loops, to the round in which or after which they are executed. Of
// a message without a reply only what the sender does counts.
#include "measures.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <chorus/message.hpp>

namespace chorale::bench {
namespace {

constexpr unsigned server_cpu = 1;
constexpr unsigned time_to_halt = 3; // milliseconds: longer than an idle CPU polls

long round_trip(const KnUniqueId& port, chorus::Words& words, unsigned i) {
    words.w[0] = i;
    words.w[3] = i;
    const long result = chorus::call<4>(port, words);
    return result == 32 && (words.w[0] != i || words.w[3] != i) ? K_EFAIL : result;
}

void warm_up(const KnUniqueId& port, chorus::Words& words) {
    for (unsigned i = 0; i < warm_up_rounds; ++i) {
        (void)round_trip(port, words, i); // a failure shows in the recorded rounds
    }
}

// `pause`: milliseconds before each round, in which the server's CPU goes idle for good.
void measure(const Context& context, const char* name, unsigned usual, unsigned pause) {
    KnUniqueId port;
    if (!context.wants("cross", name) || !find_service(context, name, "w4", server_cpu, port)) {
        return;
    }
    Recorder& recorder = context.recorder;
    chorus::Words words{};
    warm_up(port, words);
    recorder.begin(name);
    const unsigned rounds = context.rounds_or(usual);
    for (unsigned i = 0; i < rounds; ++i) {
        if (pause != 0) {
            sleep_milliseconds(pause);
        }
        const std::uint64_t start = machine::counter();
        boundary<Boundary::round_begin>();
        const long result = round_trip(port, words, i);
        boundary<Boundary::round_end>();
        recorder.add(machine::counter() - start);
        if (result != 32) {
            recorder.fail("round trip", result);
            break;
        }
    }
    recorder.finish();
}

// Behind each message goes a call that is not measured: with its reply both threads wait again, and the CPU
// polls.
void measure_send(const Context& context) {
    const char* name = "ipc.send.cross_cpu.polling.w4";
    KnIpcDest sink{};
    KnUniqueId echo;
    if (!context.wants("cross", name) || !find_service(context, name, "sink", server_cpu, sink.target) ||
        !find_service(context, name, "w4", server_cpu, echo)) {
        return;
    }
    alignas(8) const char body[32]{};
    const KnMsgDesc message{0, sizeof(body), reinterpret_cast<VmAddr>(body), 0, 0};
    chorus::Words words{};
    Recorder& recorder = context.recorder;
    warm_up(echo, words);
    recorder.begin(name);
    const unsigned rounds = context.rounds_or(usual_rounds);
    for (unsigned i = 0; i < rounds; ++i) {
        const std::uint64_t start = machine::counter();
        boundary<Boundary::round_begin>();
        const int sent = ipcSend(&message, K_DEFAULTPORT, &sink);
        boundary<Boundary::round_end>();
        recorder.add(machine::counter() - start);
        const long result = sent == K_OK ? round_trip(echo, words, i) : sent;
        if (result != 32) {
            recorder.fail("ipcSend, and a round trip behind it", result);
            break;
        }
    }
    recorder.finish();
}

} // namespace

void measure_cross_cpu(const Context& context) {
    if (context.cpus <= server_cpu) {
        return;
    }
    measure(context, "ipc.rt.cross_cpu.polling.w4", usual_rounds, 0);
    measure(context, "ipc.rt.cross_cpu.halted.w4", 300, time_to_halt);
    measure_send(context);
}

} // namespace chorale::bench
