// Bodies and annexes between user memory and Message objects.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/ipc/message.hpp"

#include <chorus.h>

namespace chorale {

struct Thread;

[[nodiscard]] Result<KnMsgDesc> read_descriptor(VirtAddr address);

// Takes body and annex from the current space, lets interrupts in after each page. Errors: fault, too_much, no_memory;
// the message stays the caller's.
[[nodiscard]] Status compose(Message& message, const KnMsgDesc& descriptor);

// A body that is in registers already.
void compose(Message& message, const u64* words, u32 size);

// Continuation of a thread that `incoming` was handed to: puts the message where its call wants it and sets the
// result. The message becomes the thread's current one (requests) or is freed (replies).
void finish_receive(Thread& self);
void finish_call(Thread& self);

}  // namespace chorale
