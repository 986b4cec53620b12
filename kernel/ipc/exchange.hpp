// Request and reply between two threads. There are two forms of "this server owes that client a reply":
//
//   fast   the two point at each other (Thread::client, Thread::server), on one CPU; the words went by
//   registers.
//          Nothing else is known or needed: what ipcSysInfo tells is worked out from the two threads when
//          asked.
//   slow   the server holds the request's Message (Thread::serving); the reply matches by thread serial and
//          transaction number, wherever the two are by then.
//
// Whoever ends a fast pair otherwise than by a reply (abort, death, migration) does it here.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/ipc/message.hpp"

#include <chorus.h>

namespace chorale {

struct Thread;

// The header of the message that `server` is serving. Errors: invalid (none).
[[nodiscard]] Result<KnMsgHead> current_head(const Thread& server);

// What the client of the current message lends its server; worse than any when there is none.
[[nodiscard]] u16 lent_priority(const Thread& server);

// The message is on its way into the hands of `server`, this CPU's: from here on the server has its client's
// priority, if that is better, and learns what becomes of it.
void lend_to(Thread& server, Message& message);

// `message` becomes the current message of `server`, which takes the caller's priority if that is better.
void serve(Thread& server, Message& message);

// The server has no current message any more; returns the Message that carries the reply.
[[nodiscard]] Message* end_service(Thread& server);

// The thread of this CPU that waits for this reply; null: there is none. It goes on waiting.
[[nodiscard]] Thread* waiting_client(const Message& reply);

// Sends `reply` (composed, or with an error) to the client of the message it carried before. Never fails: a
// client that does not wait any more is passed over and the message freed.
void send_reply(Message& reply);

// A message for whose reply no thread waits has come to its end.
void end_unclaimed(Message& message);

// A request that no server takes: its caller gets `error`; a message without caller is dropped.
void refuse(Message& message, long error);

// The server is done with its current message; a client that waits gets `error`, unless a message handler
// runs for it, whose end decides. No-op without one.
void abandon_current(Thread& server, long error);

// The client of a fast pair stops waiting: its server keeps a current message that nobody waits for.
void leave_pair(Thread& client);

// A fast pair becomes a slow one, so that the two may live on different CPUs. Error: no_memory, nothing has
// changed.
[[nodiscard]] Status slow_pair(Thread& client);

} // namespace chorale
