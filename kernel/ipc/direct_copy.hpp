// A large body for a receiver that waits on the sender's CPU is copied once: out of the sender's memory,
// which is the current space, into the receiver's pages, which are reached by the direct map, one after the
// other.
//
//   Core X (copies)                                  Core Y (another thread of the receiver's actor)
//     A  finds the pages in the receiver's table       C  takes a page out, or makes it common
//     B  writes to their frames, piece by piece        D  flush: waits for X's answer
//                                                      E  frees the frame, or lets others have it
// Each flush of that space asks X: the receiver has come to it there (Space::enter_cpu). X answers by the
// doorbell's interrupt in a window between two pieces, and then something is pending and it writes no more;
// in its mail, or while it waits for answers itself, which it does not before B: a page of the sender's that
// is not there, or is just being copied by another thread, ends the copy (PerCpu::reaching). So B comes
// before E, or A finds no page: as if X had the pages in its TLB.
//
// The receiver is not touched before all is there: it stays where it waits. When something better turns up
// between two pieces, the copy is given up and the body goes through the message, later. So a sender that has
// lost the CPU keeps no receiver from anybody, and no body is copied more than three times.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/ipc/give.hpp"
#include "kernel/ipc/message.hpp"

#include <chorus.h>

namespace chorale {

struct Thread;

[[nodiscard]] inline bool worth_placing(const KnMsgDesc& body) {
    return body.bodySize > Message::inline_bytes && body.bodySize <= K_CMSGSIZEMAX && !gives(body);
}

// As compose(), with the body put into the buffer that the descriptor of `receiver` tells of. Status::busy:
// not this way. Status::aborted: there is something better to do; next time another way. The message carries
// nothing then.
[[nodiscard]] Status place(Message& message, const KnMsgDesc& body, const Thread& receiver,
                           VirtAddr descriptor);

} // namespace chorale
