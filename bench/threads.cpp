// thread.yield: one threadDelay(K_NOBLOCK) that switches to another thread of equal priority on the same CPU.
#include "measures.hpp"

#include <actor/environment.hpp>
#include <actor/thread.hpp>
#include <chorus.h>

namespace chorale::bench {
namespace {

constexpr std::size_t stack_size = 8192;
alignas(16) char partner_stack[stack_size];

// Both threads are on one CPU and run strictly in turn, so what one thread starts the other one ends.
// Invariant: only the running one touches this; volatile because the compiler cannot see the turn change.
struct Turns {
    Recorder* recorder;
    unsigned rounds; // the last so many turns are recorded
    volatile std::uint64_t started;
    volatile unsigned left;
    volatile bool recording;
    volatile bool partner_runs;
};
Turns turns;

void take_turns() {
    while (turns.left != 0) {
        turns.recording = turns.left <= turns.rounds;
        turns.started = machine::counter();
        if (turns.recording) {
            boundary<Boundary::round_begin>();
        }
        threadDelay(K_NOBLOCK);
        if (turns.recording) {
            boundary<Boundary::round_end>();
            turns.recorder->add(machine::counter() - turns.started);
        }
        turns.left = turns.left - (turns.left != 0 ? 1U : 0U);
    }
    turns.recording = false;
}

void partner(std::uintptr_t) {
    for (;;) {
        turns.partner_runs = true;
        while (turns.left == 0) {
            threadDelay(K_NOBLOCK);
        }
        take_turns();
    }
}

} // namespace

void measure_threads(const Context& context) {
    const char* name = "thread.yield";
    if (!context.wants("same", name)) {
        return;
    }
    const int thread = start_thread({partner, 0, partner_stack, stack_size, inherit_priority, 0});
    if (thread < 0) {
        report_failure(context, name, "no partner thread", thread);
        return;
    }
    while (!turns.partner_runs) {
        threadDelay(K_NOBLOCK);
    }
    context.recorder.begin(name);
    turns.recorder = &context.recorder;
    turns.rounds = context.rounds_or(usual_rounds);
    turns.left = turns.rounds + warm_up_rounds;
    take_turns();
    threadDelete(K_MYACTOR, thread);
    context.recorder.finish();
}

} // namespace chorale::bench
