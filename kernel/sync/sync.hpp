// Synchronisation objects: what the nucleus does when a program's own instructions do not suffice
// (lib/sync/), that is, when a thread has to wait or waits.
//
// Objects live in user memory, and the nucleus keeps nothing of one for which nobody waits. An object is
// known by its physical address, so that actors which share memory share objects. What is in its words is the
// program's affair: the nucleus changes them, believes nothing that they say, and never loops on them. Who
// writes nonsense there harms only those who wait for the same object.
//
// At work is always a thread whose space maps the object, and the space is locked meanwhile: the page is
// there and stays. A thread that waits needs its page too, or somebody else's object at that physical address
// would wake it. So whoever takes pages out of a space, or puts others in their place, calls
//   end_waits()  between hiding them and freeing them, or before the page at an address becomes another one;
//   waited_in()  before a page is shared copy-on-write: one that is waited for is copied at once instead.
//
// A wait ends in one of two ways, and the lock of the object's bucket says in which. Either the thread's own
// CPU takes it out of the queue: time limit, abort, deletion (leave_queue()). Or somebody else does, on any
// CPU, and from then on has its Request under way to the thread's CPU (end_wait()): a time limit or an abort
// then comes too late, and a deletion waits for the Request and passes on what it brings.
#pragma once

#include "kernel/call/wait_limit.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/sync/sync_state.hpp"

namespace chorale {

struct Actor;
class Bucket;

// ---- waits -------------------------------------------------------------------------------------

// For this CPU's current thread, what to answer instead of waiting (K_ETIMEOUT, K_EABORT), or no_result.
[[nodiscard]] long may_wait(Thread& self, const WaitLimit& limit);

// Into the queue, with the bucket of `key` locked; false as Bucket::add(). Then, unlocked: start_wait().
struct PossibleOwner;
[[nodiscard]] bool queue_up(Thread& self, Bucket& bucket, u64 key, VirtAddr at, const PossibleOwner& owner);
void start_wait(Thread& self, const WaitLimit& limit);

// Somebody has made the waiter leave its queue; unlocked again, he lets its thread know.
void end_wait(Waiter& waiter, long result);

// This CPU's thread, which is Doing::blocked, does not wait any more; false: its wait has been ended already.
[[nodiscard]] bool leave_queue(Thread& thread);

// It has left its queue, and goes on with that result.
void end_blocked(Thread& thread, long result);

// The priority of this CPU's blocked thread has changed.
void reorder_wait(Thread& thread);

// Ends the waits of an actor's threads for objects in `range` with K_EFAULT, a bounded part: true when all
// are done. `progress` begins as 0.
[[nodiscard]] bool end_waits(Actor& actor, VirtRange range, u64& progress);
[[nodiscard]] bool waited_in(Actor& actor, VirtRange range);

// Everything that SyncState could still have under way has come home; nobody lends to the thread, which is
// this CPU's and is to end. False: settle() is called when it is so.
[[nodiscard]] bool let_go(Thread& thread);

// ---- objects: a word in user memory, of `self`'s space -------------------------------------------

// The word counts units; its highest bit says that there are, or were, waiters, and keeps programs out.
[[nodiscard]] long take_unit(Thread& self, VirtAddr at, const WaitLimit& limit);
// To the one who waits longest: 1. Else into the word, up to `most`: 0.
[[nodiscard]] long give_unit(const Thread& self, VirtAddr at, u32 most);

// Two words: the flags, and whether somebody waits.
struct FlagsWanted {
    u32 mask{};
    bool all{};
};
[[nodiscard]] long await_flags(Thread& self, VirtAddr at, FlagsWanted wanted, const WaitLimit& limit);
// Up to `limit` waiters that have not been looked at since `since` (0: begins) are looked at; true: that was
// all.
[[nodiscard]] Result<bool> wake_by_flags(const Thread& self, VirtAddr at, u64& since);

// The owner's number and its address of the mutex.
[[nodiscard]] u32 owner_number(const Thread& thread);
[[nodiscard]] long take_ownership(Thread& self, VirtAddr at, bool waits);
[[nodiscard]] long give_ownership(Thread& self, VirtAddr at);
// For a thread that is to end: the next waiter for one of its mutexes gets it.
void pass_on_one(Thread& owner);

} // namespace chorale
