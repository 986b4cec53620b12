// Bodies and annexes between user memory and Message objects.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/ipc/message.hpp"

#include <chorus.h>

namespace chorale {

struct Thread;

[[nodiscard]] Result<KnMsgDesc> read_descriptor(VirtAddr address);

// Bytes with interrupts off, for addresses or-ed together: where nothing is aligned they may go one by one.
[[nodiscard]] inline u32 copy_piece(uword addresses) { return (addresses & 7) == 0 ? 4096 : 1024; }

// What compose() takes first: the size, and the annex. What the message carried before is gone.
[[nodiscard]] Status compose_head(Message& message, const KnMsgDesc& descriptor);

// Takes body and annex from the current space. Errors: fault, too_much, no_memory; the message stays the
// caller's. `busy`: there is something better to do than the next piece of the body; to be called once more,
// with `goes_on`, when the thread has the CPU again.
[[nodiscard]] Status compose(Message& message, const KnMsgDesc& descriptor, bool goes_on);

// A body that is in registers already; the words are the caller's to fill in.
inline void compose_words(Message& message, u64 size) {
    message.size = static_cast<u32>(size);
    message.has_annex = false;
}

// Gives `self` the request that was handed to it and makes it the current message. The first form needs no
// user memory and may run before the thread does; the second is its continuation, in its own space.
void receive_words(Thread& self, Message& message);
void receive_placed(Thread& self, Message& message); // the body is in its memory already
void finish_receive(Thread& self);

// The body of a message that was received without it, cut to the room: once. Errors: fault, the body stays;
// busy: as compose().
[[nodiscard]] Status take_kept(Message& message, VirtAddr body, u32 room, bool goes_on);

// The same for the reply to a call; the Message is freed.
[[nodiscard]] bool reply_by_words(const Thread& client, const Message& reply);
void take_reply_words(Thread& client, Message& reply);
void take_placed_reply(Thread& client, Message& reply);
// The descriptor of the memory that the client has for the reply.
[[nodiscard]] VirtAddr reply_descriptor(const Thread& client);
void finish_call(Thread& self);

} // namespace chorale
