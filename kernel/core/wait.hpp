// The ends of a wait that are not its purpose: the time limit, threadAbort, and the death of the thread.
#pragma once

#include "kernel/core/thread.hpp"

namespace chorale {

// The thread's timer has expired.
void on_timeout(Thread& thread);

// threadAbort: ends an abortable wait with K_EABORT, else leaves the mark.
void abort_thread(Thread& thread);

// Takes the thread out of whatever it is waiting for, so that nobody finds it any more. Its own Request must
// be home.
void cancel_wait(Thread& thread);

} // namespace chorale
