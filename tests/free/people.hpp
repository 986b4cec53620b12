// The threads of the load. Each does what chance says until the town closes, and expects to be moved, aborted
// or killed at any moment.
#pragma once

#include "tests/free/town.hpp"

namespace chorale::test {

// Receives, and replies; or dies, dawdles, drops the message, asks others first.
[[nodiscard]] host::Task<void> serve(Town& town);
// Calls and sends, small and big.
[[nodiscard]] host::Task<void> ask(Town& town);
// Makes and deletes ports and regions, copies, moves and aborts threads, uses floating point.
[[nodiscard]] host::Task<void> meddle(Town& town);
// Makes actors with such threads and deletes them; one for each CPU.
struct Programs {
    VirtAddr serve, ask, meddle;
};
[[nodiscard]] host::Task<void> govern(Town& town, const Programs& programs, unsigned number);

// ---- what they have in common
// ------------------------------------------------------------------------------

struct Buffer {
    VirtAddr at;
    uword size{}; // 0: there was no memory
};
[[nodiscard]] host::Task<Buffer> allocate_buffer(uword pages);
[[nodiscard]] host::Task<long> free_buffer(Buffer buffer);

// A body that tells whether it has come through whole: a key at both ends.
[[nodiscard]] host::Task<void> fill(Buffer buffer, uword size, u64 key);
[[nodiscard]] host::Task<bool> holds(Buffer buffer, uword size, u64 key);

// ipcCall with a body of `size` bytes and a time limit in milliseconds; checks the reply.
[[nodiscard]] host::Task<void> call_with_body(Town& town, Random& random, Buffer buffer, uword size,
                                              int delay);

inline constexpr u64 call_size = 64, send_size = 32; // so a server knows what wants an answer

} // namespace chorale::test
