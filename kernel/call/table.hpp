// The dispatch tables of nucleus calls.
#pragma once

namespace chorale {

// Fills the table that the entry code reads. Once, before the first user thread.
void init_calls();

} // namespace chorale
