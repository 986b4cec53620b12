// What is counted of threads, as programs are told of it.
#pragma once

#include "kernel/core/thread.hpp"

#include <chorus.h>

namespace chorale {

// Under the lock of the thread's actor, so that it is still this thread.
inline void add_accounts(KnThreadStatistics& sum, const Thread& thread) {
    sum.ipcCalls += thread.exchanges.load() - thread.accounts.first_exchange;
    sum.dispatches += thread.accounts.dispatches;
    sum.preemptions += thread.accounts.preemptions;
    sum.migrations += thread.accounts.migrations;
}

} // namespace chorale
