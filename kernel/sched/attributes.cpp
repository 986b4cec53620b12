#include "kernel/sched/attributes.hpp"

namespace chorale {

namespace {

constexpr u64 millisecond = 1'000'000, second = 1'000'000'000;
constexpr u64 longest_quantum = 1'000'000 * second; // so that sums with the time of day stay in range
constexpr u32 best_number = 255;                    // RT priority p competes as best_number - p

// By tens of priorities, from K_RT_PRIOMIN up: the worse, the longer, as in System V.
constexpr u64 default_quanta[] = {1000, 800, 600, 400, 200, 100}; // milliseconds

[[nodiscard]] Result<Attributes> real_time(u32 number, const KnTimeVal& quantum) {
    if (number < K_RT_PRIOMIN || number > K_RT_PRIOMAX) return Status::invalid;
    const auto [seconds, rest] = quantum;
    if (seconds < 0 || rest < 0 || static_cast<u64>(rest) >= second) return Status::invalid;
    const u64 whole = static_cast<u64>(seconds);
    const u64 wanted =
        whole >= longest_quantum / second ? longest_quantum : whole * second + static_cast<u64>(rest);
    const u64 usual = default_quanta[(number - K_RT_PRIOMIN) / 10] * millisecond;
    return Attributes{K_SCHED_RT, static_cast<u16>(best_number - number), wanted != 0 ? wanted : usual};
}

} // namespace

Result<Attributes> attributes_from(const KnThreadDefSched& parameters) {
    const u32 number = parameters.tdPriority;
    switch (parameters.tdClass) {
    case K_SCHED_FIFO:
        if (number > K_FIFO_PRIOMIN) return Status::invalid;
        return Attributes{K_SCHED_FIFO, static_cast<u16>(number), 0};
    case K_SCHED_RR:
        if (number > K_RR_PRIOMIN) return Status::invalid;
        return Attributes{K_SCHED_RR, static_cast<u16>(number), K_RR_QUANTUM * millisecond};
    case K_SCHED_RT:
        return real_time(number, parameters.tdQuantum);
    default:
        return Status::invalid;
    }
}

KnThreadDefSched parameters_from(const Attributes& attributes) {
    KnThreadDefSched parameters{attributes.scheduling_class, attributes.priority, {}};
    if (attributes.scheduling_class == K_SCHED_RT) {
        parameters.tdPriority = best_number - attributes.priority;
        parameters.tdQuantum = {static_cast<long>(attributes.quantum / second),
                                static_cast<long>(attributes.quantum % second)};
    }
    return parameters;
}

} // namespace chorale
