// What is sent and where it goes, from an input; and what the two actors' memory allows.
#pragma once

#include "arch/host/session.hpp"
#include "fuzz/target.hpp"

#include <chorus.h>

#include <vector>

namespace chorale::fuzz {

// In both actors: room for the longest bodies, a little that can only be read, and nothing else nearby.
inline constexpr u64 room = 0x80'0000, room_size = 2 * K_CMSGSIZEMAX + 2 * page_size;
inline constexpr u64 read_only = 0xa0'0000, read_only_size = 4 * page_size;
inline constexpr u64 nowhere = 0xc0'0000;
inline constexpr u64 outside = u64{1} << 63; // of every user's part

[[nodiscard]] constexpr bool can_read(u64 at, u64 size) {
    return (at >= room && formats::fits(at - room, size, room_size)) ||
           (at >= read_only && formats::fits(at - read_only, size, read_only_size));
}
[[nodiscard]] constexpr bool can_write(u64 at, u64 size) {
    return at >= room && formats::fits(at - room, size, room_size);
}

// One descriptor: of what is sent, or of the room for it.
struct Place {
    u32 size = 0;
    u64 body = 0, annex = 0; // annex 0: none
    bool none = false;       // no descriptor at all: registers only

    [[nodiscard]] KnMsgDesc descriptor() const { return {0, size, body, annex, 0}; }
};

struct Exchange {
    bool in_registers = false, reply_in_registers = false; // the size is at most 64
    Place request, reply_room;                             // the client's
    Place receive_room;                                    // the server's
    Place reply;                                           // and again the server's
};

struct Script {
    u8 client_cpu = 0, server_cpu = 0, server_priority = 0, pace = 0, seed = 0;
    std::vector<Exchange> exchanges;
};

[[nodiscard]] Script read_script(Input input);

// What a body or an annex is made of, or registers.
[[nodiscard]] constexpr u8 pattern(unsigned exchange, u64 place) {
    return static_cast<u8>(place * 31 + exchange * 7 + 1);
}

} // namespace chorale::fuzz
