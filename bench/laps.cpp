// lap.*: invocations of an empty LAP, from a supervisor actor (a function call with bookkeeping) and from
// this one, in user mode. trap.null: a system call that the supervisor actor handles. ipc.rt.handler.w4: the
// round trip of a message to a port with a message handler.
#include "laps.hpp"

#include "measures.hpp"

#include <actor/environment.hpp>
#include <actor/system_call.hpp>
#include <chorus/message.hpp>

namespace chorale::bench {
namespace {

// Not without its actor: a bank may be put together without one.
bool find_lap(const Context& context, const char* name, const char* lap_name, KnLapDesc& lap) {
    int error = K_EUNKNOWN;
    for (unsigned tries = 0; tries < 1000 && error == K_EUNKNOWN; ++tries) {
        error = lapResolve(&lap, lap_name, K_LAP_NOBLOCK);
        KnTimeVal millisecond{0, 1'000'000};
        if (error == K_EUNKNOWN) {
            threadDelay(&millisecond);
        }
    }
    if (error != K_OK) {
        report_failure(context, name, "lapResolve", error);
    }
    return error == K_OK;
}

void measure_inside(const Context& context, const char* name, unsigned options) {
    KnLapDesc lap;
    if (!context.wants("same", name) || !find_lap(context, name, lap_order, lap)) {
        return;
    }
    const unsigned wanted = context.rounds_or(usual_rounds);
    const unsigned rounds = wanted < largest_lap_order ? wanted : largest_lap_order;
    Recorder& recorder = context.recorder;
    LapOrder order{options, rounds, recorder.shared_samples(), K_EFAULT};
    recorder.begin(name);
    if (const int error = lapInvoke(&lap, &order); error != K_OK || order.result != K_OK) {
        recorder.fail("lapInvoke", error != K_OK ? error : order.result);
    } else {
        recorder.add_shared(rounds);
    }
    recorder.finish();
}

void measure_handler(const Context& context) {
    constexpr unsigned patience = 5000; // milliseconds
    const char* name = "ipc.rt.handler.w4";
    KnUniqueId port;
    if (!context.wants("same", name)) {
        return;
    }
    if (const int error = find_port(handled_port, port, patience); error < 0) {
        report_failure(context, name, "find_port", error);
        return;
    }
    chorus::Words words{};
    measure_rounds(
        context, name, context.rounds_or(usual_rounds),
        [&](unsigned i) {
            words.w[0] = words.w[3] = i;
            return chorus::call<4>(port, words);
        },
        [&](unsigned i, long result) { return result == 32 && words.w[0] == i && words.w[3] == i; });
}

// A system call that a supervisor actor handles: one more than the first, which makes the stack for them.
void measure_trap(const Context& context) {
    const char* name = "trap.null";
    KnLapDesc lap;
    if (!context.wants("same", name) || !find_lap(context, name, lap_trap, lap)) {
        return;
    }
    if (const int error = lapInvoke(&lap, nullptr); error != K_OK) {
        report_failure(context, name, "lapInvoke", error);
        return;
    }
    measure_rounds(
        context, name, context.rounds_or(usual_rounds),
        [](unsigned) { return machine::system_call(identity_call, 0); },
        [](unsigned, long result) { return result == identity; });
}

} // namespace

void measure_laps(const Context& context) {
    measure_inside(context, "lap.plain", 0);
    measure_inside(context, "lap.safe", K_LAP_SAFE);
    const char* name = "lap.user";
    KnLapDesc lap;
    if (context.wants("same", name) && find_lap(context, name, lap_empty, lap)) {
        measure_rounds(
            context, name, context.rounds_or(usual_rounds),
            [&](unsigned) { return long{lapInvoke(&lap, nullptr)}; },
            [](unsigned, long result) { return result == K_OK; });
    }
    measure_trap(context);
    measure_handler(context);
}

} // namespace chorale::bench
