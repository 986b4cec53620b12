// Threads of a supervisor actor, on stacks that the nucleus gives them.
#pragma once

#include <actor/launch.hpp>
#include <chorus.h>

#include <cstdint>

namespace chorale {

struct SupervisorThreadPlan {
    ThreadBody body{};
    std::uintptr_t argument{};
    VmSize stack_size{K_DEFAULT_STACK_SIZE};
    int priority{-1}; // -1: the creator's
    long cpu{-1};     // -1: the creator's
};

// A thread of the caller's actor that runs body(argument) and then ends. Its local id, or an error.
[[nodiscard]] int start_supervisor_thread(const SupervisorThreadPlan& plan);

} // namespace chorale
