// Message bodies that tell who sent them: the first word is a tag, every byte behind it follows from the tag,
// so that whoever gets one sees whether it is whole and whose it is.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus.h>

#include <array>

namespace chorale::sim {

inline constexpr std::size_t room = 2048; // of each thread, for what it sends and receives

using Body = std::array<u8, room>;

struct Tag {
    u64 value{};
    [[nodiscard]] static constexpr Tag of(unsigned sender, u32 counter) {
        return {u64{sender + 1} << 40 | counter};
    }
    [[nodiscard]] constexpr unsigned sender() const { return static_cast<unsigned>(value >> 40 & 0xff) - 1; }
    [[nodiscard]] constexpr u32 counter() const { return static_cast<u32>(value); }
    [[nodiscard]] constexpr Tag reply() const { return {value ^ u64{1} << 63}; }
    friend bool operator==(Tag, Tag) = default;
};

void fill(Body& body, std::size_t size, Tag tag);
// Whether `size` bytes are a body; short ones hold no tag and always are.
[[nodiscard]] bool whole(const Body& body, std::size_t size, Tag& tag);

} // namespace chorale::sim
