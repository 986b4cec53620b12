// The body of a request or message for which nobody waits yet need not be copied before somebody receives it:
// the message owns the frames together with the sender's space, whose death or rgnFree does not take them
// away.
//
// A caller that waits for its reply without end changes nothing meanwhile, but others of its actor may, who
// then send what they have written: nothing changes in the page table, so that no TLB has to forget anything.
// A frame that has several owners so is copied, not handed on, by whoever copies the memory meanwhile.
//
// A sender that goes on, or may, keeps pages that are copied when it writes to them. Its TLB has to forget
// each, and the next write to each is a fault: worth it for large bodies only.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/ipc/message.hpp"

#include <chorus.h>

namespace chorale {

// What the sender's actor writes to the body, while it is held, is sent, or is not.
enum class HeldBody : u8 { live, frozen };

[[nodiscard]] inline bool worth_holding(const KnMsgDesc& body) {
    return body.bodySize >= 2 * page_size && body.bodySize <= K_CMSGSIZEMAX &&
           body.bodyAddr % page_size == 0 && (body.flags & K_MSG_GIVE) == 0;
}

// As compose(), at once. The body is worth_holding(). Status::busy: not this way; the message carries nothing
// yet.
[[nodiscard]] Status hold_body(Message& message, const KnMsgDesc& body, HeldBody how);

} // namespace chorale
