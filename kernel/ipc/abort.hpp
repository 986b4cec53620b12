// An abort goes from a caller to the thread that serves its request, and from there on, if that one waits for
// a reply itself. The mark that it leaves lasts as long as the request is served, so that nobody who may call
// a server can take anything but that from it.
//
// One step at a time, by mail: the caller, whose wait is over, asks the server's CPU and returns K_EABORT
// when that has answered. So a chain of callers of any length is no long way with interrupts off.
#pragma once

namespace chorale {

struct Thread;

// `caller`, a thread of this CPU, stops waiting for its reply, abortably. False: nobody serves its request,
// and nothing has been done.
[[nodiscard]] bool abort_server_of(Thread& caller);

} // namespace chorale
