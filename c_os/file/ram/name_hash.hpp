// SipHash-1-3 (Aumasson, Bernstein): who does not know the key cannot choose names that collide.
#pragma once

#include "kernel/base/types.hpp"

#include <bit>
#include <string_view>

namespace chorale::c_os {

[[nodiscard]] constexpr u64 name_hash(const u64 (&key)[2], std::string_view name) {
    u64 a = key[0] ^ 0x736f6d6570736575, b = key[1] ^ 0x646f72616e646f6d;
    u64 c = key[0] ^ 0x6c7967656e657261, d = key[1] ^ 0x7465646279746573;
    const auto round = [&] {
        a += b;
        b = std::rotl(b, 13) ^ a;
        a = std::rotl(a, 32);
        c += d;
        d = std::rotl(d, 16) ^ c;
        a += d;
        d = std::rotl(d, 21) ^ a;
        c += b;
        b = std::rotl(b, 17) ^ c;
        c = std::rotl(c, 32);
    };
    const auto word = [&](std::size_t at, std::size_t size) {
        u64 value = 0;
        for (std::size_t i = 0; i < size; ++i)
            value |= u64{static_cast<unsigned char>(name[at + i])} << (8 * i);
        return value;
    };
    const auto mix = [&](u64 value) {
        d ^= value;
        round();
        a ^= value;
    };
    const std::size_t whole = name.size() & ~std::size_t{7};
    for (std::size_t at = 0; at < whole; at += 8) mix(word(at, 8));
    mix(u64{name.size()} << 56 | word(whole, name.size() - whole));
    c ^= 0xff;
    round();
    round();
    round();
    return a ^ b ^ c ^ d;
}

} // namespace chorale::c_os
