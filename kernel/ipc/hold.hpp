// The body of a caller that waits for its reply without end need not be copied before somebody receives it:
// nobody changes it meanwhile but the caller's own actor, which then sends what it has written. The message
// owns the frames together with the caller's space, whose death or rgnFree does not take them away. Nothing
// changes in the page table, so that no TLB has to forget anything; a frame that has several owners is
// copied, not handed on, by whoever copies the memory meanwhile.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/ipc/message.hpp"

#include <chorus.h>

namespace chorale {

// As compose(), at once. Status::busy: not this way; the message carries nothing yet.
[[nodiscard]] Status hold_body(Message& message, const KnMsgDesc& body);

} // namespace chorale
