// The dispatch tables of nucleus calls.
#pragma once

namespace chorale {

struct Thread;

// Fills the table that the entry code reads. Once, before the first user thread.
void init_calls();

// A continuation: the call with memory among its arguments that the thread is in begins again.
void begin_again(Thread& self);

} // namespace chorale
