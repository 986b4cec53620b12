// A port goes to another actor, with its name, its groups and its protection identifier; its queue stays with
// its home CPU. Between the two actors it is nobody's:
//
//   1  a place is kept in the new actor's table (by the null port, which nobody finds there);
//   2  the port leaves the old actor's table, its number and its actor are taken away, as in deletion;
//   3  a tour evicts whoever still waits on it, and counts what was received;
//   4  it takes its place, and has an actor again, and then a number.
//
// Senders find it by its name all the time; what they send meanwhile waits in the queue. After the visit in 3
// a CPU knows of the old actor no more, so no server of that one waits, fetches or receives again on a stale
// pointer (still_its() in delivery.cpp, own_port(), fastpath/reply_receive.cpp). When the new actor has gone
// by 4, the port is deleted as it would have been there.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct Actor;
struct Thread;

// For `self`, which waits: the local id in `to`, or an error: invalid (no such port, or one that does not
// move), full, unknown (`to` is being deleted). `with_messages`: the queue goes with it; else those callers
// get K_ENOPORT. To `count_at`, if not zero: the number of messages received before, plus one.
[[nodiscard]] long migrate_port(Thread& self, Actor& from, int li, Actor& to, bool with_messages,
                                VirtAddr count_at);

} // namespace chorale
