// Bodies whose whole pages the sender gives up (K_MSG_GIVE): their frames go instead of their contents, from
// the sender's space to the message, and from there to the receiver's. What cannot go so is copied.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/ipc/message.hpp"

#include <chorus.h>

namespace chorale {

[[nodiscard]] inline bool gives(const KnMsgDesc& body) {
    return (body.flags & K_MSG_GIVE) != 0 && body.bodyAddr % page_size == 0 && body.bodySize >= page_size;
}

// The message, which has pages for all of the body, carries it; false: nothing has changed. It cannot fail
// behind this: a call that began again would find zeros.
[[nodiscard]] bool take_given(Message& message, VirtAddr body);

// As many of the given pages as its memory has place for become the receiver's, whose thread this is.
void hand_given(Message& message, VirtAddr body, u32 size);

// The same for a receiver whose memory may end, or be read-only, anywhere.
void hand_over_given(Message& message, VirtAddr body, u32 size);

// The sender gets them back.
inline void take_back(Message& message, VirtAddr body) { hand_given(message, body, message.size); }

} // namespace chorale
