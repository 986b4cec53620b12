// How a thread competes for its CPU: its class, its priority and its quantum, and how programs write them
// down (<sched/chSched.h>). All classes share one set of 256 priorities, 0 the best.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus.h>

#include <cstddef>

namespace chorale {

struct Attributes {
    KnSchedClass scheduling_class{K_SCHED_FIFO};
    u16 priority{};
    u64 quantum{}; // nanoseconds; 0: the thread has the CPU until it gives it up
};

// What a program reads before it knows the class: every class begins so.
struct ParametersHead {
    KnSchedClass scheduling_class;
    u32 priority;
};
static_assert(sizeof(ParametersHead) == offsetof(KnThreadDefSched, tdQuantum));
static_assert(sizeof(KnFifoThParms) == sizeof(ParametersHead) &&
              sizeof(KnRrThParms) == sizeof(ParametersHead));
static_assert(sizeof(KnRtThParms) == sizeof(KnThreadDefSched));

// Errors: invalid (class, priority, quantum).
[[nodiscard]] Result<Attributes> attributes_from(const KnThreadDefSched& parameters);

[[nodiscard]] KnThreadDefSched parameters_from(const Attributes& attributes);

// The bytes that the parameters of a class have.
[[nodiscard]] constexpr std::size_t parameters_size(KnSchedClass scheduling_class) {
    return scheduling_class == K_SCHED_RT ? sizeof(KnRtThParms) : sizeof(ParametersHead);
}

} // namespace chorale
