// The ends of a wait that are not its purpose: the time limit, threadAbort, and the death of the thread.
#pragma once

#include "kernel/core/thread.hpp"

namespace chorale {

// The thread's timer has expired.
void on_timeout(Thread& thread);

// threadAbort: ends an abortable wait with K_EABORT, else leaves the mark. When the wait was for a reply, who
// serves the request is aborted first, with a mark that goes with that request (kernel/ipc/abort.hpp).
void abort_thread(Thread& thread, Flag mark = flag_aborted);

// Takes the thread out of whatever it is waiting for, so that nobody finds it any more. Its own Request must
// be home.
void cancel_wait(Thread& thread);

} // namespace chorale
