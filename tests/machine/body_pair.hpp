// A server and a client with memory for a body of several pages and a bit, and what they do with it.
#pragma once

#include "kernel/core/actor.hpp"
#include "kernel/mem/frame.hpp"
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test::bodies {

inline constexpr VirtAddr from{0x300'0000}, to{0x400'0000}, other{0x600'0000};
inline constexpr uword pages = 5, tail = 104, whole = pages * page_size, size = whole + tail;

// The first word of a page.
[[nodiscard]] constexpr u64 mark(u64 seed, uword page) { return seed << 32 | (page + 1); }
[[nodiscard]] host::Task<void> fill(KnCap actor, u64 seed);

[[nodiscard]] Space& space_of(KnCap actor);
[[nodiscard]] u64 frame_at(KnCap actor, VirtAddr at); // 0: none
[[nodiscard]] u32 owners_at(KnCap actor, VirtAddr at);

// Server and client, with memory for the body that comes on demand.
struct Pair {
    StagePointer stage = std::make_shared<Stage>();
    KnCap server{}, client{};
    KnUniqueId port{};
    long li{};
    VirtAddr at{to}; // where the server wants the body
    unsigned received{};
    long result{};
};
using PairPointer = std::shared_ptr<Pair>;
[[nodiscard]] host::Task<PairPointer> make_pair();

// A call by a thread of the client, and its result.
[[nodiscard]] host::Task<long> by_client(PairPointer pair, std::function<host::Task<long>()> work);
[[nodiscard]] host::Task<long> send(KnUniqueId port, VirtAddr body, uword bytes, unsigned flags);
[[nodiscard]] host::Task<long> give(KnUniqueId port, VirtAddr body, uword bytes);
[[nodiscard]] host::Task<long> give_body(PairPointer pair);
[[nodiscard]] host::Task<long> ask(KnUniqueId port, int delay);

[[nodiscard]] host::Task<void> start_receiving(PairPointer pair, CpuIndex cpu, unsigned count = 1);
[[nodiscard]] host::Task<void> await_receipt(PairPointer pair, unsigned count = 1);
[[nodiscard]] host::Task<void> expect_body(PairPointer pair, u64 seed);

} // namespace chorale::test::bodies
