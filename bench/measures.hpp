// The measurements of ipcbench, and what cosbench (c_os/) measures with too. Each names, records and prints
// its results.
#pragma once

#include "recorder.hpp"

#include <chorus.h>

namespace chorale::bench {

struct Context {
    Recorder& recorder;
    unsigned cpus;
    unsigned rounds;       // wanted by the user; 0: each measurement's own number
    const char* selection; // all, same, cross, scale, flood, latency, memory, cos, or the name of a result

    [[nodiscard]] unsigned rounds_or(unsigned usual) const { return rounds != 0 ? rounds : usual; }
    // Whether a result of this group is wanted.
    [[nodiscard]] bool wants(const char* group, const char* name) const;
};

inline constexpr unsigned usual_rounds = 10000;
inline constexpr unsigned warm_up_rounds = 64;

void report_failure(const Context& context, const char* name, const char* reason, long detail);

// The port of a server thread of ipcserver. False, with result `name` reported as failed, when it does not
// appear.
[[nodiscard]] bool find_service(const Context& context, const char* name, const char* kind, unsigned cpu,
                                KnUniqueId& port);

void measure_same_cpu(const Context& context);
void measure_threads(const Context& context);
void measure_queued(const Context& context);
void measure_laps(const Context& context);
void measure_objects(const Context& context);
void measure_messages(const Context& context);
void measure_rings(const Context& context);
void measure_scheduling(const Context& context);
void measure_cross_cpu(const Context& context);
void measure_scale(const Context& context);
void measure_flood(const Context& context);
void measure_latency(const Context& context);
void measure_memory(const Context& context);

// One result of individually timed rounds on this CPU. `round(i)` makes the round trip and returns its
// result, `valid(i, result)` is asked after the clock has stopped.
template <class Round, class Valid>
void measure_rounds(const Context& context, const char* name, unsigned rounds, Round round, Valid valid) {
    Recorder& recorder = context.recorder;
    for (unsigned i = 0; i < warm_up_rounds; ++i) {
        if (const long result = round(i); !valid(i, result)) {
            recorder.begin(name);
            recorder.fail("warm-up round", result);
            recorder.finish();
            return;
        }
    }
    recorder.begin(name);
    for (unsigned i = 0; i < rounds; ++i) {
        const std::uint64_t start = machine::counter();
        boundary<Boundary::round_begin>();
        const long result = round(i);
        boundary<Boundary::round_end>();
        recorder.add(machine::counter() - start);
        if (!valid(i, result)) {
            recorder.fail("round trip", result);
            break;
        }
    }
    recorder.finish();
}

} // namespace chorale::bench
