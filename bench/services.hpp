// What ipcbench asks ipcserver for: the published names of its ports.
#pragma once

#include <actor/print.hpp>

#include <chorus.h>

namespace chorale::bench {

inline constexpr std::size_t largest_body = K_CMSGSIZEMAX;

// Set by ipcserver when one of its threads cannot serve: nobody need wait for it.
inline constexpr const char* server_failure = "bench.failed";

// Set by ipcbench when it runs: without a client nobody would ever end the system.
inline constexpr const char* client_started = "bench.started";

struct ServiceName {
    char text[24];
};

// One server thread per CPU answers four-word messages; the others are on CPU 0 only.
[[nodiscard]] inline ServiceName service_name(const char* kind, unsigned cpu) {
    ServiceName name{};
    format_text(name.text, sizeof(name.text), "bench.%s.%u", kind, cpu);
    return name;
}

} // namespace chorale::bench
