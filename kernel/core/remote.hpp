// Asking the CPU that owns a thread. The asker's own Request travels, so nothing is allocated and nothing can
// run out; the asker waits meanwhile (Doing::asking) and neither moves nor disappears before its Request is
// home.
#pragma once

#include "kernel/core/thread.hpp"

namespace chorale {

// Runs `operation` on `target` at its owner. Returns its result when that is this CPU, else no_result: `self`
// waits and the operation's result becomes the call's. K_EUNKNOWN when `target` is not the thread of that
// serial any more.
struct Operation {
    long (*run)(Thread& target, const Question& question);
    u64 argument[2]{};
    void (*finish)(Thread& self, long result){}; // instead of waking `self` with the result
};
[[nodiscard]] long ask(Thread& self, Thread& target, u64 serial, const Operation& operation);

// The same, but never at once: mail, also when the owner is this CPU. `self` need not be the current thread.
void ask_by_mail(Thread& self, Thread& target, u64 serial, const Operation& operation);

// Runs `visit` on every CPU in turn, this one first, then `finish` here. `self` waits. As each CPU gets to it
// between two entries, whatever it had looked up before has been let go when the tour is over: a grace
// period.
void tour(Thread& self, void (*visit)(Thread& self), void (*finish)(Thread& self, long result));

// Sends `request` to the CPU that owns `target`; false when that is this CPU and the thread has arrived.
[[nodiscard]] bool forward(Request& request, const Thread& target);

} // namespace chorale
