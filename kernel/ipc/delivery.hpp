// How a message meets a server without a lock.
//
// A port's queue belongs to its home CPU; the servers waiting on a CPU belong to that CPU. So
//   - a sender looks for a server on its own CPU first (one load), then sends the message to the home CPU;
//   - the home CPU gives it to a server of its own, else queues it and lets a token tour the CPUs where
//   servers have
//     ever waited (PortHot::cpus). A CPU that the token visits and that has a server waiting fetches a
//     message for it.
//   - a server that wants to wait elsewhere than at home looks at `queued` first and fetches when it is not
//   zero.
//
// No wake-up is lost:
//   Core X (server's CPU)                            Core H (home)
//     A  parks the server (plain stores)               C  queued = n
//     B  had read queued == 0                          D  sends the token to X
// If B missed C, then X takes the token (acquire, after D) after A: it finds the server. If X took the token
// before A, then B comes after C and sees it. The first time that a CPU waits on a port its bit in `cpus` may
// be news to H:
//     A' cpus |= X (seq_cst)   B' read queued          C  queued = n (seq_cst)   D' read cpus
// where at least one of B' and D' sees the other's store.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/ipc/credits.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"

namespace chorale {

struct Thread;

// Gives `message` to a server on this CPU, or queues it, or sends it to the port's home. The port has been
// looked up in this entry. `in_order`: the sender has messages on the way to a home CPU that this one must
// not overtake, so it goes the same way. A message refused elsewhere comes back to its caller as an error
// reply. `payer`: who pays when no server takes it at once (kernel/ipc/credits.hpp); spent: it cannot.
enum class Route : u8 { here, away, full, spent };
[[nodiscard]] Route deliver(Port& port, Message& message, bool in_order);
[[nodiscard]] Route deliver_paid(Port& port, Message& message, bool in_order, CreditAccount& payer);
// What the sender is told of full and spent.
[[nodiscard]] inline long refusal(Route route) { return route == Route::full ? K_EFULL : K_ENOMEM; }

// Whether a server waits on this CPU for a message of the port.
[[nodiscard]] bool has_waiter(Port& port);

// The server on this CPU to which deliver() would give a message now; null: none. It goes on waiting. Then,
// in the same entry: the message, whose body is placed with it, becomes its own.
[[nodiscard]] Thread* waiting_server(Port& port, bool in_order);
void deliver_placed(Port& port, Message& message, Thread& server);

// A message of the nucleus's own, to the port that `target` names: never turned away while that port lives
// and has no handler, and never ended within the call, so that who sends the next one when this one has ended
// goes through the mail each time.
void deliver_own(Message& message);

// At once to the port's home, which has the last word on whether anybody takes the message. False: the payer
// cannot pay for it.
[[nodiscard]] bool mail_home(Port& port, Message& message, CreditAccount& payer);

// At home: the first message of the queue, no longer in it; null: it is empty.
[[nodiscard]] Message* take_queued(Port& port);

// Waits on the port for `self`, the current thread, until `deadline` (nanoseconds; Timer::never: for ever; 0:
// not at all). Returns K_ETIMEOUT, K_ENOPORT or no_result: the message comes by finish_receive().
[[nodiscard]] long receive(Thread& self, Port& port, u64 deadline);
// The same without a time limit, when `self` received on this port before, on this CPU. False: nothing was
// done.
[[nodiscard]] bool receive_again(Thread& self, Port& port);
// On whichever port of its actor is enabled, best enable priority first.
[[nodiscard]] long receive_any(Thread& self, u64 deadline);

// A parked server stops waiting. resume_later() notes how it would go on: Thread::resume.
void unpark(Thread& server);
void resume_later(Thread& server);

// portDelete, on each CPU: waiting servers get K_ENOPORT; at home, the callers of queued messages too. A few
// at each visit: false when there may be more, or when the port's token is still under way. The port must
// not be freed before.
[[nodiscard]] bool evict(Port& port);
// The same for portMigrate: `received` goes up by what was received here, and this CPU begins to count anew;
// of the messages in the queue at home so many are refused, which counts down (all_messages: those that are
// there at the first visit), the others stay. False when there may be more to do.
inline constexpr u64 all_messages = ~u64{0};
[[nodiscard]] bool dismiss(Port& port, u64& received, u64& messages);

// portEnable, on each CPU: lets a server that waits for any enabled port know of a message queued before, if
// the port still has that life. False when there are more messages.
[[nodiscard]] bool announce(Port& port, u64 life);

} // namespace chorale
