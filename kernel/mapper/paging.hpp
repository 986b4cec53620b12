// Pages from mappers: how threads wait for them. The request to the mapper is the nucleus's own message and
// belongs to the page, not to the thread: whoever wants the page waits for it in the wait table, under a key
// that no object has, and may be aborted or deleted there. The mapper's reply, or the end of its port or of
// its thread, wakes them all; then everybody tries again, and who was told that the page does not come gets a
// fault.
//
// Three kinds of work come here:
//   a program's access       the thread waits, and its program tries again
//   a copy within a call     the call ends with K_EFAULT, the thread waits, and the call begins again
//                            (await_missed): it has done nothing yet that counts
//   a call that goes step by step asks for the page by itself (await_page), and goes on with a continuation
#pragma once

#include "kernel/core/thread.hpp"
#include "kernel/mem/segment.hpp"

namespace chorale {

// The thread waits until there is an answer, unless it is there already; then `then` runs, or the program
// goes on. `self` is this CPU's current thread. The hold on the segment is used up. Errors: no_memory.
[[nodiscard]] Status await_page(Thread& self, const WantedPage& wanted, void (*then)(Thread&));

// After a copy from or to user memory has failed: whether it was for want of a page that may still come. Then
// `then` runs later.
[[nodiscard]] bool await_missed(Thread& self, void (*then)(Thread&));

// The page that a call has asked for by itself did not come. Asks once.
[[nodiscard]] bool page_failed(Thread& self);

[[nodiscard]] inline bool waits_for_page(const Thread& thread) {
    return thread.doing() == Doing::blocked && thread.sync.waiter.wanted == Wanted::page;
}
void end_page_wait(Thread& self); // the continuation of a thread whose wait has ended

// The cache of a segment, made if there is none, with a hold on it. Errors: no_memory, unknown (no such
// port).
[[nodiscard]] Result<Segment*> open_segment(const KnCap& capability);

// The cache that there is, with a hold on it; null: none.
[[nodiscard]] Segment* find_segment(const KnCap& capability);

// A page of the segment that has been written goes to the mapper; the thread waits for its answer, then
// `then` runs. False: there is nothing to push.
[[nodiscard]] bool await_push(Thread& self, Segment& segment, u64 offset, void (*then)(Thread&));

// Does what is to be done for one segment that somebody has let go of: pushes its pages out, tells its
// mapper, frees it. With nothing locked.
void attend_segments();

// ---- for the two files of this part -------------------------------------------------------------

// The request in message.annex is sent to the segment's mapper, whose thread serves it with that priority, if
// it is better than its own: the one that the thread which asks first has then. Who comes to wait for the
// same page later adds nothing.
inline constexpr u16 lends_nothing = 0xffff;
void ask_mapper(Message& message, Segment& segment, u64 offset, u16 priority, void (*answered)(Message&));
void wake_waiters(u64 key, long result);
void queue_for(Thread& self, u64 key, VirtAddr at);
void start_page_wait(Thread& self, void (*then)(Thread&));

} // namespace chorale
