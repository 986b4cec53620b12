// The timer queue with few and many timers armed, at random. Costs are amortised: what is measured is a heap
// that has been in use for a while.
#include "bench/host/meter.hpp"

#include "kernel/time/timer_queue.hpp"

#include <array>
#include <map>
#include <memory>
#include <vector>

namespace chorale::bench {

namespace {

constexpr unsigned operations = 256;
constexpr u64 furthest = 1'000'000'000;

struct Alarms;

struct Alarm : Timer {
    Alarms* owner{};
};

struct Alarms {
    TimerQueue queue;
    std::vector<Alarm> alarms;
    std::vector<unsigned> order; // in which they are taken by hand: not that of their memory
    std::array<u64, 4096> distances{};
    u64 now{};
    unsigned turn{};

    explicit Alarms(unsigned count) : alarms(count) {
        Random random;
        for (u64& distance : distances) distance = 1 + random.next() % furthest;
        order = random.permutation(count);
        for (Alarm& alarm : alarms) {
            alarm.owner = this;
            alarm.expire = [](Timer& timer) {
                Alarms& all = *static_cast<Alarm&>(timer).owner;
                all.queue.arm(timer, all.deadline());
            };
            queue.arm(alarm, deadline());
        }
        // Arming alone makes a list; what expires makes a heap of it.
        for (unsigned i = 0; i < count / 2 + 16; ++i) expire_one();
    }
    [[nodiscard]] u64 deadline() { return now + distances[turn++ % distances.size()]; }
    // The earliest timer is due and is armed again, so that their number stays.
    void expire_one() {
        now = queue.earliest();
        queue.expire_due(now, 1);
    }
    [[nodiscard]] Alarm& any(unsigned i) { return alarms[order[i % order.size()]]; }
};

[[nodiscard]] Alarms& armed(unsigned count) {
    static std::map<unsigned, std::unique_ptr<Alarms>> all;
    std::unique_ptr<Alarms>& of_count = all[count];
    if (of_count == nullptr) of_count = std::make_unique<Alarms>(count);
    return *of_count;
}

// A time limit that is set and not reached: the usual life of a timer.
void measure_arm_cancel(benchmark::State& state, unsigned count) {
    Alarms& all = armed(count);
    Timer limit;
    measure(state, operations, [&](unsigned) {
        all.queue.arm(limit, all.deadline());
        all.queue.cancel(limit);
    });
}

// Timers that have long been armed get another deadline, one after the other.
void measure_rearm(benchmark::State& state, unsigned count) {
    Alarms& all = armed(count);
    unsigned next = 0;
    measure(state, operations, [&](unsigned) { all.queue.arm(all.any(next++), all.deadline()); });
    // Leaves a heap for the next benchmark.
    for (unsigned i = 0; i < 16; ++i) all.expire_one();
}

void measure_expire(benchmark::State& state, unsigned count) {
    Alarms& all = armed(count);
    measure(state, operations, [&](unsigned) { all.expire_one(); });
}

} // namespace

void add_timers() {
    for (const unsigned count : {1u, 1'000u, 100'000u}) {
        const auto each = [&](const char* operation, void (*run)(benchmark::State&, unsigned)) {
            add(std::string{"host.timer."} + operation + ".n" + std::to_string(count),
                [=](benchmark::State& state) { run(state, count); });
        };
        each("arm_cancel", measure_arm_cancel);
        each("rearm", measure_rearm);
        each("expire", measure_expire);
    }
}

} // namespace chorale::bench
