// How the making of a thread ends, with whatever stack it has.
#pragma once

#include <chorus.h>

#include <cstdint>

namespace chorale {

using ThreadBody = void (*)(std::uintptr_t argument);

inline constexpr KnCpuId any_cpu = K_SAMECPU;

// Binds and activates a new thread of the own actor. Its local id, or an error: then there is no thread.
[[nodiscard]] inline int launch_thread(KnThreadLid thread, KnCpuId cpu) {
    int error = K_OK;
    if (cpu != any_cpu) {
        error = threadBind(K_MYACTOR, thread, cpu, nullptr, K_NONEXCLUSIVE);
    }
    if (error >= 0) {
        error = threadActivate(K_MYACTOR, thread);
    }
    if (error < 0) {
        threadDelete(K_MYACTOR, thread);
        return error;
    }
    return thread;
}

} // namespace chorale
