// Options and published port names, both in the system environment.
#pragma once

#include <chorus.h>

#include <cstddef>

namespace chorale {

// The value as text; `fallback` when there is none. The result is in `buffer` or is `fallback`.
[[nodiscard]] const char* environment_text(const char* name, char (&buffer)[K_ENVVALUEMAX],
                                           const char* fallback);

// The value as a decimal number; `fallback` when there is none or it is not a number.
[[nodiscard]] unsigned long environment_number(const char* name, unsigned long fallback);

// How many CPUs the nucleus runs on, at least 1.
[[nodiscard]] unsigned running_cpus();

[[nodiscard]] bool same_text(const char* first, const char* second);

// Ports are published as environment variables "port.<name>" with the UI in hexadecimal.
[[nodiscard]] int publish_port(const char* name, const KnUniqueId& port);
// Waits until the name is there, at most `milliseconds`. K_OK, K_ETIMEOUT, or K_EINVAL for a malformed value.
[[nodiscard]] int find_port(const char* name, KnUniqueId& port, unsigned milliseconds);

void sleep_milliseconds(unsigned milliseconds);

} // namespace chorale
