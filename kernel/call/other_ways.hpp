// What becomes of a message for which there is no way as it is: its queue or its mailbox is full, its sender
// has no credits left; or its port has a handler (kernel/ipc/message_handler.hpp).
#pragma once

#include "kernel/ipc/delivery.hpp"

#include <machine/call.hpp>

namespace chorale {

// Where a composed message goes.
struct Destination {
    Port* port{};
    Thread* server{}; // that has the body already; null: whoever waits, or will
    VirtAddr from{};  // the sender's body
};

// A request; by value: who calls it has its destination in registers otherwise. no_result: the handler runs,
// the rest comes when it has returned. K_OK: it has just gone, and the request has been sent after all. Else
// the message is no more.
[[nodiscard]] long call_otherwise(Thread& self, Message& message, Destination to, Route route, u64 deadline);
// The same for a message that awaits no reply; counts it.
[[nodiscard]] long send_otherwise(Thread& self, Message& message, Destination to, Route route);
// The end of the call, too.
[[noreturn]] CHORALE_NO_RETURN_CALL void leave_otherwise(Thread& self, Message& message, Port& port,
                                                         Route route);

} // namespace chorale
