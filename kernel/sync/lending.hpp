// Which priority a thread runs with: the best of its own, of what the client that it serves lends to it, and
// of what those lend who wait for its real-time mutexes. Who lends may itself run with what others lend to
// it: chains of any length, over all CPUs, through mutexes and calls in any sequence.
//
// Nobody walks along a chain. Each thread's CPU alone knows and sets its priority; when that changes and the
// thread waits for somebody, it tells that one's CPU to look again (tell()), and so on. A step is bounded and
// between two of them the CPUs do their other work. What is told has no contents: who is told reads what is
// lent now, so that nothing is lost when several things change at once, and a ring of threads that wait for
// each other comes to rest as soon as no priority changes any more.
//
// A client whose call is in the slow form does not know where its request is. It writes its priority into the
// Message, wherever that is, and the server looks there:
//
//   Core X (client's)                         Core Y (server's, in serve())
//     A  message.priority = new  (seq_cst)      C  message.server = server    (seq_cst)
//     B  if message.server: tell (seq_cst)      D  reads message.priority     (seq_cst)
// B not seeing the server needs B before C, hence A before D: the server has the new priority.
#pragma once

#include "kernel/core/thread.hpp"

namespace chorale {

// The best that is lent by waiters; SyncState::nothing_lent: nobody waits.
[[nodiscard]] u16 best_loan(const Loans& loans);

// With the owner's loans locked: its CPU is to look at them.
void tell(Thread& owner, Loans& loans);

// This CPU's thread gets the priority that is due to it.
void restore_priority(Thread& thread);

// This CPU's thread waits, and its priority has changed: whoever it waits for learns that.
void lend_on(Thread& waiting);

// This CPU's thread, whose call is in the slow form, waits for the reply no longer: whoever serves it runs
// with other priorities than its from then on.
void lend_nothing(const Thread& client);

// This CPU's thread has taken or given up a real-time mutex.
void look_at_loans(Thread& thread);

// The message is the current one of `server` from here on.
void note_server(Message& message, Thread& server);

// A new thread may be lent to.
void open_loans(Thread& thread);

// This CPU's thread is to end: nobody lends to it from here on. False: its real-time mutexes are yet to be
// passed on, or a Request of its SyncState is out; settle() is called when that is done.
[[nodiscard]] bool close_loans(Thread& thread);

} // namespace chorale
