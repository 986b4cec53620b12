// What a thread waits for in a message space, where it wants to be told, and what it has been given
// meanwhile.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

// A number in a message's record that tells the openings of a space apart.
using OpeningSlot = u8;
inline constexpr unsigned opening_slots = 64;

class MessageState {
  public:
    enum class Is : u8 { free, held, queued };

    constexpr MessageState() = default;
    [[nodiscard]] static constexpr MessageState held(OpeningSlot by) {
        return MessageState{static_cast<u32>(Is::held) | u32{by} << 8};
    }
    [[nodiscard]] static constexpr MessageState queued(u32 queue, u32 level) {
        return MessageState{static_cast<u32>(Is::queued) | queue << 8 | level << 16};
    }
    [[nodiscard]] constexpr Is is() const { return static_cast<Is>(word_ & 0xff); }
    [[nodiscard]] constexpr u32 queue() const { return word_ >> 8 & 0xff; }
    [[nodiscard]] constexpr u32 level() const { return word_ >> 16; }
    [[nodiscard]] constexpr OpeningSlot holder() const { return static_cast<OpeningSlot>(word_ >> 8); }
    friend constexpr bool operator==(MessageState, MessageState) = default;

  private:
    constexpr explicit MessageState(u32 word) : word_{word} {}
    u32 word_{};
};

class MessageSpace;

// In the caller's memory: where it wants to be told of a message. Zero: not wanted.
struct MessagePlaces {
    VirtAddr address, source{}, queue{};
};
// False: a place cannot be written.
[[nodiscard]] bool tell(const MessagePlaces& places, VirtAddr address, const KnUniqueId& source, u32 queue);

struct MessageWait {
    // Of the call; also of msgSpaceCreate and msgSpaceOpen, while they are at work.
    MessageSpace* space{};
    int lid{};
    OpeningSlot slot{};
    VirtAddr base;
    MessagePlaces places{};
    // What it was given, while `given`: by whoever ended the wait, before the thread learns of it.
    u32 message{};
    VirtAddr address;
    MessageState from{}; // queued, or free: out of a pool
    KnUniqueId source{};
    bool given{};
};

} // namespace chorale
