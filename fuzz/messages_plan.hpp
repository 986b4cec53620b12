// An input of fuzz/messages: who sends what to whom, and how it is received. Every sequence of bytes is one.
#pragma once

#include "arch/host/session.hpp"
#include "fuzz/target.hpp"
#include "kernel/base/types.hpp"

#include <span>
#include <vector>

namespace chorale::fuzz {

inline constexpr unsigned sender_limit = 3, server_limit = 3;
inline constexpr unsigned message_cpus = 4;

// Each actor has two areas with room for the longest body and some more; behind each nothing is mapped.
inline constexpr VirtAddr out_area{0x100'0000}, in_area{0x120'0000};
inline constexpr uword area_size = 18 * page_size;

// A body or an annex in user memory, or not quite.
struct Memory {
    u8 kind;
    u8 offset;
    // `area` is where it should be.
    [[nodiscard]] u64 address(VirtAddr area, uword size) const;
};
// Whether a program with both areas can read, or write, all of it.
[[nodiscard]] bool reachable(u64 address, uword size);

struct Body {
    u32 size;
    Memory memory;
    Memory annex;
    bool has_annex;
};

enum class Send : u8 { send, call, words, move, limit };
struct SendStep {
    u8 sender;
    Send how;
    u8 server; // one above the last is nobody
    Body body;
    Body reply;     // room for it
    u8 delay;       // of a call; 0: none
    bool described; // words: with a descriptor
};

enum class Reply : u8 { reply, words, none, limit };
struct ServeStep {
    Reply how;
    Body room;
    Body reply;
    bool described;
    bool any; // K_ANYENABLED
    u8 move;  // to which CPU, then; message_cpus and above: nowhere
};

struct Plan {
    std::vector<u8> sender_cpus, server_cpus;
    std::vector<u8> homes; // of the servers' ports
    u8 pace{}, seed{};
    std::vector<SendStep> sends;
    std::vector<ServeStep> serves; // each server goes through them, round and round
    std::vector<u8> schedule;

    // Two ways to two CPUs are not equally long: what a sender sends behind a call that went another way than
    // what it sent before may come first.
    [[nodiscard]] bool in_order() const;
};

[[nodiscard]] Plan plan_of(std::span<const u8> input);
// One more step, one less, or another one, in the bytes of an input.
[[nodiscard]] std::size_t mutate_plan(u8* data, std::size_t size, std::size_t limit, Chance& chance);

} // namespace chorale::fuzz
