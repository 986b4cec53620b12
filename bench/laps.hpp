// What ipcbench and lapserver know of each other: the names of LAPs, and what is measured inside.
#pragma once

#include <chorus.h>

#include <cstdint>

namespace chorale::bench {

inline constexpr const char* lap_empty = "b.empty"; // safe; its handler does nothing
inline constexpr const char* lap_order = "b.order"; // safe; its argument: a LapOrder in the caller's memory

inline constexpr const char* lap_trap =
    "b.trap"; // safe; connects the handler of system calls, if there is none

// What it answers: a word of a structure that it keeps for the thread.
inline constexpr unsigned long identity_call = 39;
inline constexpr long identity = 4711;

inline constexpr const char* handled_port = "b.handled"; // its message handler replies with the message

// Invoke an empty LAP of these options so many times, timed one by one; the ticks go to `samples`.
struct LapOrder {
    unsigned options, rounds;
    std::uint64_t* samples;
    int result; // of the invocations: K_OK or the first error
};

inline constexpr unsigned largest_lap_order = 16384;

} // namespace chorale::bench
