// The run queue: one priority, and as many as there are threads.
#include "bench/host/meter.hpp"

#include "kernel/sched/run_queue.hpp"

#include <vector>

namespace chorale::bench {

namespace {

constexpr unsigned operations = 1024, threads = 64;

struct Ready {
    u32 top = RunQueue::none;
    RunQueue queue{top};
    std::vector<Schedulable> jobs{std::vector<Schedulable>(threads)};
    std::vector<u32> priorities;

    // Thread i of so many at priorities spread over all 256, in no order.
    explicit Ready(unsigned levels) {
        for (const unsigned place : Random{}.permutation(threads))
            priorities.push_back(place % levels * (RunQueue::priorities / levels));
    }
    void push(unsigned i) { queue.push_back(jobs[i % threads], priorities[i % threads]); }
    void fill() {
        for (unsigned i = 0; i < threads; ++i) push(i);
    }
    void empty() {
        while (queue.pop() != nullptr) {
        }
    }
};

// The best of the ready threads goes, and comes back: what a reschedule does.
void measure_pop_push(benchmark::State& state, unsigned levels) {
    Ready ready{levels};
    ready.fill();
    measure(state, operations, [&](unsigned) {
        Schedulable* const best = ready.queue.pop();
        ready.queue.push_back(*best, best->queued_priority);
    });
}

// A thread that becomes ready beside others, and blocks again.
void measure_push_remove(benchmark::State& state, unsigned levels) {
    Ready ready{levels};
    ready.fill();
    measure(state, operations, [&](unsigned i) {
        Schedulable& job = ready.jobs[i % threads];
        ready.queue.remove(job);
        ready.push(i);
    });
}

void measure_push(benchmark::State& state, unsigned levels) {
    Ready ready{levels};
    measure(state, threads, [] {}, [&](unsigned i) { ready.push(i); }, [&] { ready.empty(); });
}

void measure_pop(benchmark::State& state, unsigned levels) {
    Ready ready{levels};
    measure(state, threads, [&] { ready.fill(); }, [&](unsigned) { keep(ready.queue.pop()); }, [] {});
}

void measure_rotate(benchmark::State& state) {
    Ready ready{1};
    Schedulable* running = &ready.jobs[0];
    for (unsigned i = 1; i < threads; ++i) ready.push(i);
    measure(state, operations, [&](unsigned) { running = &ready.queue.rotate(*running, ready.top); });
    keep(running);
}

} // namespace

void add_run_queues() {
    for (const unsigned levels : {1u, threads}) {
        const std::string suffix = ".priorities" + std::to_string(levels);
        const auto each = [&](const char* operation, void (*run)(benchmark::State&, unsigned)) {
            add(std::string{"host.run_queue."} + operation + suffix,
                [=](benchmark::State& state) { run(state, levels); });
        };
        each("push", measure_push);
        each("pop", measure_pop);
        each("pop_push", measure_pop_push);
        each("remove_push", measure_push_remove);
    }
    add("host.run_queue.rotate", measure_rotate);
}

} // namespace chorale::bench
