// Message handlers: a function of a supervisor actor takes the messages of one of its ports, each on the
// thread that sends it, as a safe LAP of the nucleus's making. A port has servers or a handler.
//
// Whoever looks at the length of the queue sees the marks in it and takes the way of a long queue; so
// messages between others cost nothing more. Only the home CPU sets the marks.
//
//   Core X (sends)                                   Core Y (connects)
//     A  looks at the length: no mark                  C  writes the slot, sets the marks at home
//     B  a server of its own, or mail to home          D  every CPU has seen the marks, and sends its servers
//     away
//                                                      E  the queue is empty at home: the second mark goes
// A server that waits on X after its part in D has seen the mark and does not wait. Mail of B was sent before
// X's part in D. Between D and E, Y's request goes home by way of each CPU in turn, behind its mail: so that
// is in the queue before E, which has a handler run for each message there, on Y's thread.
//
// Disconnected: the mark goes at home first, then the LAP dies. Who finds the LAP dead sends its message
// home, where it is known what the port is now (mail_home()). A thread inside is waited for
// (kernel/lap/lap.hpp).
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/ipc/port.hpp"

namespace chorale {

struct Actor;
struct Thread;

inline constexpr u32 handler_mark = 1u << 31; // the port has a handler
inline constexpr u32 drain_mark = 1u << 30;   // which is still being connected: what comes home is queued
inline constexpr u32 handler_marks = handler_mark | drain_mark;

[[nodiscard]] inline bool has_handler(const Port& port) {
    // acquire: pairs with the home CPU's store: who sees the mark sees the slot
    return port.queued.load(std::memory_order_acquire) >= drain_mark;
}

// Has `self` run the port's handler for its message: then, and then only, `ended` is called when the handler
// has returned, with the result of the invocation, and has the message. The port has been found in this
// entry.
enum class Handled : u8 {
    not_here,  // the port has none
    entered,   // it runs: the call's result is no_result
    mailed,    // it has just gone: the message is on its way home, and paid for
    no_memory, // nor credits; nothing has changed
};
[[nodiscard]] Handled handle(Thread& self, Message& message, Port& port,
                             void (*ended)(Thread& self, Message& message, int result));
// The same for a message of ipcSend or ipcCall whose way is full. `mailed`: the caller of ipcCall has still
// to wait for the reply, until `deadline`.
[[nodiscard]] Handled handle_send(Thread& self, Message& message, Port& port);
[[nodiscard]] Handled handle_call(Thread& self, Message& message, Port& port, u64 deadline);
// For `ended` of a message that awaits no reply: what its sender is told; no_result: the handler had gone
// before it began, and there is another one, which runs now.
[[nodiscard]] long end_sent(Thread& self, Message& message, int result);

// The reply of the thread's innermost handler is in its message: it goes when the handler returns.
[[nodiscard]] Message* handled_call(const Thread& self); // that may be replied to; null: none
void note_reply(Thread& self);

// The handlers that the thread runs never return.
void drop_handled(Thread& self);

// On behalf of `self`, the LAP `lap` becomes the handler of the actor's port, or is one no more; the result
// of its call comes later, or now. Errors: invalid (no such port; no handler; from inside it), busy.
[[nodiscard]] long connect_message_handler(Thread& self, Actor& actor, int li, const KnLapDesc& lap);
[[nodiscard]] long disconnect_message_handler(Thread& self, Actor& actor, int li);

} // namespace chorale
