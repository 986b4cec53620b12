// Threads of the own actor, and how any thread starts on a given stack.
#pragma once

#include "launch.hpp"

#include <chorus.h>

#include <cstddef>
#include <cstdint>

namespace chorale {

inline constexpr unsigned inherit_priority = 256;

struct ThreadPlan {
    ThreadBody body;
    std::uintptr_t argument;
    void* stack; // its lowest byte
    std::size_t stack_size;
    unsigned priority{inherit_priority};
    KnCpuId cpu{any_cpu}; // where it runs from its first instruction on
};

// Creates, binds and activates. Returns the local id (positive) or an error; on an error there is no thread.
[[nodiscard]] int start_thread(const ThreadPlan& plan);

// Writes what the start code expects at the top of a stack; `top` is an address in this actor. Returns the
// stack pointer's distance below `top`: a stack that another actor will see elsewhere can be prepared here.
[[nodiscard]] std::size_t prepare_stack(void* top, ThreadBody body, std::uintptr_t argument);

// The first instruction of a thread whose stack prepare_stack made. A body that returns deletes its thread.
[[nodiscard]] KnPc thread_entry();

} // namespace chorale
